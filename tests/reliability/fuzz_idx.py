"""Shows the IDX reader what a coverage-guided fuzzer comes up with: python fuzz_idx.py -runs=N -seed=S (see libFuzzer).

It ends with an error at the first input for which `parse` neither gives what the format describes nor a DataError.
"""

import math
import sys

import atheris

with atheris.instrument_imports(include=["course_utils.data.idx"]):
    from course_utils.data import idx
from course_utils.core.errors import DataError


def described(content: bytes) -> tuple[int, ...] | None:
    """The shape of the array that the content is by the letter of the format; None where it is none."""
    dimensions = content[3] if len(content) > 3 else 0
    sizes = [content[4 + 4 * k : 8 + 4 * k] for k in range(dimensions)]
    if content[:3] != b"\0\0\x08" or not 1 <= dimensions <= 3 or any(len(size) < 4 for size in sizes):
        return None
    shape = tuple(int.from_bytes(size, "big") for size in sizes)
    return shape if len(content) == 4 + 4 * dimensions + math.prod(shape) and max(shape) <= idx.LIMIT else None


def one(content: bytes) -> None:
    expected = described(content)
    try:
        array = idx.parse(content, "the.file")
    except DataError as error:
        assert str(error).startswith("the.file: ") and str(error).isprintable() and len(str(error)) < 300, str(error)
        assert expected is None, content
    else:
        assert array.shape == expected and array.tobytes() == content[4 + 4 * array.ndim :], content


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
