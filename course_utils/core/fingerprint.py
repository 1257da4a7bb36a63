"""Hash functions and settings by what they do; the key under which finished work is found again.

Code counts by its compiled form, so that comments and layout change nothing, together with everything it can reach in
the course, in the notebook and in a learner's own modules: functions it calls, also by way of a module, global values,
what it closes over, arguments of a `partial`. Of installed packages names count alone; what a function imports when it
is called does not count.
"""

from __future__ import annotations

import functools
import hashlib
import os
import site
import sys
import sysconfig
import types
from collections.abc import Iterable, Iterator
from pathlib import PurePath

import numpy as np
import torch

# Folders of modules that do not change from day to day: the standard library and what is installed.
LIBRARIES = tuple(
    f"{form(folder)}{os.sep}"
    for folder in (
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        *(*site.getsitepackages(), site.getusersitepackages()),
    )
    for form in (os.path.abspath, os.path.realpath)
)
NOISE = (
    *("__dict__", "__weakref__", "__doc__", "__module__", "__annotations__", "__slotnames__", "_abc_impl"),
    *("__firstlineno__", "__static_attributes__"),
)
PLAIN = (
    *(type(None), bool, int, float, complex, str, bytes, type(...), range),
    *(torch.dtype, torch.device, PurePath),
)
FOLLOWED = (  # of the values that code reaches by name, whosever class they are of; of others the name counts alone
    *(*PLAIN, tuple, list, dict, set, frozenset, np.ndarray, np.generic, torch.Tensor, torch.nn.Module),
    *(functools.partial, types.FunctionType, types.MethodType, types.BuiltinFunctionType),
)


class Unknown(TypeError):
    """Says that an object cannot be hashed, because nothing that can be read tells what it does."""


def fingerprint(thing: object) -> str:
    """Hash a thing and everything it reaches: sha256 as hexadecimal digits, equal for things that do the same.

    Raises Unknown where nothing tells what a thing does.
    """
    try:
        return _digest(_parts(thing, {}))
    except RecursionError:
        raise Unknown(f"cannot tell what an object of {type(thing)} does: what it reaches lies too deep") from None


def _digest(parts: Iterable[str | bytes]) -> str:
    h = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        h.update(b"%d " % len(content))  # or the end of one part could be the beginning of the next
        h.update(content)
    return h.hexdigest()


def _parts(thing: object, seen: dict[int, tuple[int, object]]) -> Iterator[str | bytes]:
    """seen: id → when it was met, and the object, which is kept alive, or another could get its id."""
    if isinstance(thing, PLAIN):
        yield repr(thing)
        return
    if not isinstance(thing, tuple):  # equal tuples are one value, whether or not they are one object
        if id(thing) in seen:
            yield f"seen as number {seen[id(thing)][0]}"
            return
        seen[id(thing)] = len(seen), thing
    yield type(thing).__name__
    match thing:
        case torch.Tensor():
            yield from _tensor(thing)
        case np.ndarray() | np.generic():
            yield f"{thing.dtype} {thing.shape}"
            yield from _parts(thing.tolist(), seen) if thing.dtype.hasobject else [thing.tobytes()]
        case functools.partial():
            yield from _parts((thing.func, thing.args, thing.keywords), seen)
        case dict():
            yield str(len(thing))
            for key, value in thing.items():
                yield from _parts(key, seen)
                yield from _parts(value, seen)
        case list() | tuple():
            yield str(len(thing))
            for value in thing:
                yield from _parts(value, seen)
        case set() | frozenset():
            yield str(len(thing))  # in an order of its own: that of a set is another in each process
            yield from sorted(_digest(_parts(value, dict(seen))) for value in thing)
        case types.FunctionType():
            yield from _function(thing, seen)
        case types.MethodType():
            yield from _parts((thing.__func__, thing.__self__), seen)
        case types.CodeType():
            yield from _code(thing, seen)
        case types.BuiltinFunctionType():
            yield thing.__qualname__
            if not isinstance(thing.__self__, (types.ModuleType, type)):  # a method, as `table.get`
                yield from _parts(thing.__self__, seen)
        case types.ModuleType():
            yield thing.__name__
        case type():
            yield f"{thing.__module__}.{thing.__qualname__}"
            if _ours(thing.__module__):
                yield from _parts([*thing.__bases__, {k: v for k, v in vars(thing).items() if not _noise(k)}], seen)
        case property():
            yield from _parts((thing.fget, thing.fset), seen)
        case staticmethod() | classmethod():
            yield from _parts(thing.__func__, seen)
        case _ if callable(getattr(thing, "digest", None)):  # as of Images, and faster than by all it consists of
            yield thing.digest()
        case _ if hasattr(thing, "__dict__"):
            yield from _parts((type(thing), getattr(thing, "__name__", None), vars(thing)), seen)
        case _:
            raise Unknown(f"cannot tell what {thing!r} does")


def _function(f: types.FunctionType, seen: dict[int, object]) -> Iterator[str | bytes]:
    yield f"{f.__module__}.{f.__qualname__}"
    if not _ours(f.__module__):
        return
    yield from _parts((f.__code__, f.__defaults__, f.__kwdefaults__, _reached(f)), seen)


def _reached(f: types.FunctionType) -> dict[str, object]:
    """What the code of `f` names: globals, what it closes over, and attributes of those that are modules of ours."""
    names = _names(f.__code__)
    cells = zip(f.__code__.co_freevars, f.__closure__ or (), strict=True)
    closed = {f"closed over {name}": cell.cell_contents for name, cell in cells}
    todo = [*((name, f.__globals__[name]) for name in sorted(names & f.__globals__.keys())), *closed.items()]
    entered, found = set(), {}
    while todo:
        path, value = todo.pop()
        if isinstance(value, types.ModuleType) and _ours(value.__name__):
            if value.__name__ not in entered:  # a module may name itself
                entered.add(value.__name__)
                todo += [(f"{path}.{name}", vars(value)[name]) for name in sorted(names & vars(value).keys())]
        elif path in closed or isinstance(value, FOLLOWED) or _ours(getattr(value, "__module__", None)):
            found[path] = value
        else:
            found[path] = getattr(value, "__name__", type(value).__name__)
    return found


def _names(code: types.CodeType) -> set[str]:
    inner = (_names(const) for const in code.co_consts if isinstance(const, types.CodeType))
    return set(code.co_names).union(*inner)


def _code(code: types.CodeType, seen: dict[int, object]) -> Iterator[str | bytes]:
    yield code.co_code
    yield repr((code.co_names, code.co_varnames))
    yield from _parts(code.co_consts, seen)


def _tensor(tensor: torch.Tensor) -> Iterator[str | bytes]:
    yield f"{tensor.dtype} {tuple(tensor.shape)}"
    try:  # by its bytes: NumPy has no bfloat16
        yield tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise Unknown(f"cannot read the values of a tensor of {tensor.dtype}, {tensor.layout}: {error}") from None


def _ours(name: object) -> bool:
    """Whether the module of that name may change from day to day: the course, a notebook, a module beside it."""
    if not isinstance(name, str):
        return False
    top = name.partition(".")[0]
    if top in ("__main__", "course_utils"):  # wherever they lie
        return True
    module = sys.modules.get(name) or sys.modules.get(top)
    if file := getattr(module, "__file__", None) or getattr(sys.modules.get(top), "__file__", None):
        return not file.startswith(LIBRARIES)
    return getattr(module, "__spec__", None) is None  # made by hand, as of a notebook run without Jupyter


def _noise(name: str) -> bool:
    return name in NOISE or name.startswith("__dataclass")
