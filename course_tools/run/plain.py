"""Executes a notebook's code cells in one plain Python process, where no Jupyter is installed.

    python -m course_tools.run.plain NOTEBOOK [PARAMETERS as JSON]

Cells run in order in one namespace, inside a running event loop, as in a kernel; what they print goes to stdout. Each
cell is announced as `[cell 3/20]`; a failure ends the process with code 1 after `[failed] cell 3/20 (id …)` and the
traceback.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import linecache
import os
import sys
import traceback
import types
import warnings
from pathlib import Path
from typing import Any

from course_tools import output
from course_tools.run import lessons
from course_tools.run.process import end_with_parent
from course_utils.core.errors import CourseError


def execute(notebook: Path, parameters: dict[str, Any]) -> bool:
    """Run all code cells, `parameters` assigned after the cell tagged so; False, traceback printed, if one failed."""
    # A module of its own, not __main__: worker processes import __main__ again, and must not find the lesson there.
    lesson = types.ModuleType("lesson")
    sys.modules[lesson.__name__] = lesson
    lesson.display = _display
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(_execute(lessons.code_cells(notebook), parameters, vars(lesson)))
    finally:
        loop.close()


async def _execute(cells: list[lessons.Cell], parameters: dict[str, Any], namespace: dict[str, Any]) -> bool:
    for cell in cells:
        print(f"[cell {cell.number}/{len(cells)}]", flush=True)
        try:
            await _run(cell, namespace)
        except Exception as error:
            # The first frames are ours: _execute, _run.
            frames = error.__traceback__
            while frames and frames.tb_frame.f_code.co_filename == __file__:
                frames = frames.tb_next
            print(f"[failed] cell {cell.number}/{len(cells)} (id {cell.id})")
            print("".join(traceback.format_exception(error.with_traceback(frames))), end="", flush=True)
            return False
        if "parameters" in cell.tags:
            namespace.update(parameters)
    return True


async def _run(cell: lessons.Cell, namespace: dict[str, Any]) -> None:
    filename = f"<cell {cell.number}, id {cell.id}>"
    # For tracebacks and inspect.getsource, which find sources in files only.
    linecache.cache[filename] = (len(cell.source), None, cell.source.splitlines(keepends=True), filename)
    body = ast.parse(cell.source, filename).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    await _evaluate(ast.Module(body, type_ignores=[]), "exec", filename, namespace)
    if last:
        value = await _evaluate(ast.Expression(last.value), "eval", filename, namespace)
        if value is not None and not cell.source.rstrip().endswith(";"):
            print(repr(value), flush=True)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")  # as a notebook's figures close with their cell


async def _evaluate(tree: ast.AST, mode: str, filename: str, namespace: dict[str, Any]) -> Any:
    code = compile(tree, filename, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    value = eval(code, namespace)
    return await value if code.co_flags & inspect.CO_COROUTINE else value


def _display(*objects: Any, **_: Any) -> None:
    for value in objects:
        print(repr(value), flush=True)


def main(argv: list[str]) -> int:
    """Run a notebook; exit code 0 if every cell ran, 1 if one failed, 2 if the notebook cannot be read."""
    output.prepare()
    os.environ["MPLBACKEND"] = "Agg"
    warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")
    try:
        return 0 if execute(Path(argv[0]), json.loads(argv[1]) if argv[1:] else {}) else 1
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    end_with_parent()
    raise SystemExit(main(sys.argv[1:]))
