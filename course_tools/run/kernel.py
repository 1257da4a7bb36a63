"""Executes one notebook in a Jupyter kernel, with papermill; `course run` starts it as a process of its own.

    python -m course_tools.run.kernel NOTEBOOK OUT.ipynb [PARAMETERS as JSON]

Announces cells and failures as `plain` does, and as `[died]` a kernel that did not come to its end. Writes OUT.ipynb
and OUT.html once every cell has run; where a cell failed, OUT.failed.ipynb. In between, files have `part` in their
names, and only exceptions are trusted: after a dead kernel papermill's notebook says that all is well.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from course_tools import output
from course_tools.run.process import end_with_parent
from course_utils.core import files

STARTS = 3
"""About one in 200 kernels started side by side dies before it answers; so often a start is tried."""


class OwnKernel(AsyncKernelManager):
    """Starts this Python's kernel, whatever other kernels named python3 a person or a cluster has installed."""

    def _kernel_spec_manager_default(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])


class AnnouncingEngine(NBClientEngine):
    """Is papermill's own engine, and prints `[cell 3/20]` as each code cell starts."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> None:
        """Called by papermill."""
        numbers = _numbers(nb_man.nb)
        papermill_starts = nb_man.cell_start

        def cell_start(cell: Any, cell_index: int, **more: Any) -> None:
            if cell_index in numbers:
                print(f"[cell {numbers[cell_index]}/{len(numbers)}]", flush=True)
            papermill_starts(cell, cell_index, **more)

        nb_man.cell_start = cell_start
        super().execute_managed_notebook(nb_man, kernel_name, **kwargs)


papermill_engines.register("announcing", AnnouncingEngine)


def _numbers(nb: Any) -> dict[int, int]:
    """Map the position of a cell in the notebook to its number among the code cells, the injected one not counted."""
    code = [i for i, c in enumerate(nb.cells) if c.cell_type == "code" and "injected-parameters" not in _tags(c)]
    return {index: number for number, index in enumerate(code, 1)}


def _tags(cell: Any) -> list[str]:
    return cell.metadata.get("tags", [])


def execute(notebook: Path, out: Path, parameters: dict[str, Any]) -> bool:
    """Run the notebook in a kernel and write `out` and its HTML; return False, the reason printed, if that failed."""
    part = out.with_suffix(".part.ipynb")
    try:
        nb = _papermill(notebook, part, parameters)
        os.replace(part, out)
        _write_html(nb, out)
        return True
    except PapermillExecutionError as error:
        executed = nbformat.read(part, as_version=4)
        executed.cells = [cell for cell in executed.cells if "papermill-error-cell-tag" not in _tags(cell)]
        numbers = _numbers(executed)
        cell = executed.cells[error.cell_index]
        print(f"[failed] cell {numbers.get(error.cell_index, 'parameters')}/{len(numbers)} (id {cell.id})")
        print("\n".join(error.traceback) or _printed(cell) or f"{error.ename}: {error.evalue}", flush=True)
        os.replace(part, out.with_suffix(".failed.ipynb"))
    except Exception as error:
        if isinstance(error, OSError) and error.errno in files.REMEDIES:  # papermill's, on its way to `part`
            error = files.NotWritten(files.refused(error, out))
        message = "".join(traceback.format_exception_only(error)).strip()
        unwritten = "[failed] its notebook is not stored\n"
        print((unwritten if isinstance(error, files.NotWritten) else "[died] the kernel did not finish: ") + message)
    return False


def _papermill(notebook: Path, part: Path, parameters: dict[str, Any]) -> Any:
    for start in range(1, STARTS + 1):
        try:
            return papermill.execute_notebook(
                _literal(notebook),
                _literal(part),
                parameters=parameters,
                engine_name="announcing",
                kernel_name="python3",
                language="python",
                progress_bar=False,
                request_save_on_cell_execute=False,
                start_timeout=120,
                kernel_manager_class=OwnKernel,
                iopub_timeout=60,  # seconds; a busy machine needs more than nbclient's 4
            )
        except RuntimeError as error:
            if "Kernel died before replying to kernel_info" not in str(error) or start == STARTS:
                raise


def _literal(path: Path) -> str:
    return str(path).replace("{", "{{").replace("}", "}}")  # papermill fills braces in paths


def _printed(cell: Any) -> str:
    """Find the traceback that a kernel printed when it had no memory left to make one of its own kind; '' without."""
    text = "".join(output.text for output in cell.outputs if output.get("name") == "stderr")
    return text.partition("\nDuring handling of the above exception")[0].strip()


def _write_html(nb: Any, out: Path) -> None:
    from nbconvert import HTMLExporter

    from course_tools.templates import NOTEBOOK_PAGE

    html, _ = HTMLExporter(**NOTEBOOK_PAGE).from_notebook_node(nb, {"metadata": {"name": out.stem}})
    files.write(out.with_suffix(".html"), html)


def main(argv: list[str]) -> int:
    """Run the notebook without what a person has set up for IPython; exit code 0 if every cell ran, else 1."""
    output.prepare()
    end_with_parent()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["IPYTHONDIR"] = folder
        return int(not execute(Path(argv[0]), Path(argv[1]), json.loads(argv[2]) if argv[2:] else {}))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
