"""What a function or a setting does, as one number: the key under which finished work is found again.

Code counts by its compiled form, so that comments and layout change nothing, together with everything it can reach in
the course and in the notebook: functions it calls, constants, what it closes over, arguments of a `partial`.
"""

from __future__ import annotations

import functools
import hashlib
import types
from collections.abc import Iterator

import numpy as np
import torch

from course_utils.data.images import Images

OURS = ("course_utils", "__main__", "lesson", "tests", "test_")  # modules whose code may change from day to day
NOISE = ("__dict__", "__weakref__", "__doc__", "__module__", "__annotations__", "__slotnames__", "_abc_impl")
PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...))


class Unknown(TypeError):
    """Nothing that can be read tells what this object does."""


def fingerprint(thing: object) -> str:
    """sha256 as hexadecimal digits; equal for things that do the same. Raises Unknown where that cannot be told."""
    h = hashlib.sha256()
    for part in _parts(thing, {}):
        h.update(part.encode() if isinstance(part, str) else part)
        h.update(b"\0")
    return h.hexdigest()


def _parts(thing: object, seen: dict[int, object]) -> Iterator[str | bytes]:
    if isinstance(thing, PLAIN):
        yield repr(thing)
        return
    if id(thing) in seen:
        yield "seen"
        return
    seen[id(thing)] = thing  # kept alive, or another object could get its id
    yield type(thing).__name__
    match thing:
        case Images():
            yield thing.digest()
        case torch.Tensor():
            yield from _array(thing.detach().cpu().numpy())
        case np.ndarray() | np.generic():
            yield from _array(np.ascontiguousarray(thing))
        case functools.partial():
            yield from _parts((thing.func, thing.args, thing.keywords), seen)
        case dict():
            for key, value in thing.items():
                yield from _parts(key, seen)
                yield from _parts(value, seen)
        case list() | tuple():
            for value in thing:
                yield from _parts(value, seen)
        case set() | frozenset():
            yield from sorted(map(repr, thing))
        case types.FunctionType():
            yield from _function(thing, seen)
        case types.MethodType():
            yield from _parts((thing.__func__, thing.__self__), seen)
        case types.CodeType():
            yield from _code(thing, seen)
        case types.BuiltinFunctionType() | types.ModuleType():
            yield thing.__name__
        case type():
            yield f"{thing.__module__}.{thing.__qualname__}"
            if _ours(thing.__module__):
                yield from _parts([*thing.__bases__, {k: v for k, v in vars(thing).items() if not _noise(k)}], seen)
        case property():
            yield from _parts((thing.fget, thing.fset), seen)
        case staticmethod() | classmethod():
            yield from _parts(thing.__func__, seen)
        case _ if hasattr(thing, "__dict__"):
            yield from _parts((type(thing), vars(thing)), seen)
        case _:
            raise Unknown(f"cannot tell what {thing!r} does")


def _function(f: types.FunctionType, seen: dict[int, object]) -> Iterator[str | bytes]:
    yield f"{f.__module__}.{f.__qualname__}"
    if not _ours(f.__module__):
        return
    yield from _parts((f.__code__, f.__defaults__, f.__kwdefaults__), seen)
    yield from _parts([cell.cell_contents for cell in f.__closure__ or ()], seen)
    for name in sorted(_names(f.__code__)):
        value = f.__globals__.get(name)
        if isinstance(value, (*PLAIN, tuple)) or _ours(getattr(value, "__module__", None)):
            yield name
            yield from _parts(value, seen)


def _names(code: types.CodeType) -> set[str]:
    inner = (_names(const) for const in code.co_consts if isinstance(const, types.CodeType))
    return set(code.co_names).union(*inner)


def _code(code: types.CodeType, seen: dict[int, object]) -> Iterator[str | bytes]:
    yield code.co_code
    yield repr((code.co_names, code.co_varnames))
    yield from _parts(code.co_consts, seen)


def _array(array: np.ndarray) -> Iterator[str | bytes]:
    yield f"{array.dtype} {array.shape}"
    yield array.tobytes()


def _ours(module: object) -> bool:
    return isinstance(module, str) and module.startswith(OURS)


def _noise(name: str) -> bool:
    return name in NOISE or name.startswith("__dataclass")
