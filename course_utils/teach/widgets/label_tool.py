"""Label generated pictures by hand; the labels are kept in a CSV file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.teach import show
from course_utils.teach.plots import figures
from course_utils.teach.widgets import page

DISCARDED = -1


class LabelTool:
    """Hold the labels that a person gives to pictures, saved in a CSV file after every click.

    The file: a line `# images <digest>` that ties it to these pictures, the header `index,label`, and a row for each
    picture seen, label −1 for one that cannot be read.
    """

    def __init__(self, pixels: Tensor, classes: Sequence[str], path: str | Path) -> None:
        self.pixels, self.classes, self.path = pixels, tuple(classes), Path(path)
        self._digest = hashlib.sha256(pixels.cpu().contiguous().numpy()).hexdigest()[:12]
        self._given: dict[int, int] = self._load() if self.path.exists() else {}

    @property
    def labels(self) -> Tensor:
        """Give the class of each picture, int64, N; −1 where it was discarded or not seen yet."""
        labels = torch.full((len(self.pixels),), DISCARDED)
        for index, label in self._given.items():
            labels[index] = label
        return labels

    @property
    def seen(self) -> int:
        """Count the pictures that have been labelled or discarded."""
        return len(self._given)

    def next(self) -> int | None:
        """Find the first picture not seen yet, None when all are done."""
        return next((i for i in range(len(self.pixels)) if i not in self._given), None)

    def give(self, index: int, label: int) -> None:
        """Label a picture (−1: cannot be read) and save. Raises NotWritten where that fails; the label is not given."""
        self._save({**self._given, index: label})

    def back(self) -> None:
        """Take the last label back and save. Raises NotWritten where that fails; the label stays."""
        if self._given:
            self._save(dict(list(self._given.items())[:-1]))

    def _save(self, given: dict[int, int]) -> None:
        rows = "".join(f"{index},{label}\n" for index, label in given.items())
        files.write(self.path, f"# images {self._digest}\nindex,label\n{rows}", "give another path")
        self._given = given

    def _load(self) -> dict[int, int]:
        mend = "give another path, or delete the file to start anew"
        try:
            first, header, *rows = self.path.read_text(encoding="utf-8").splitlines()
        except ValueError:  # too short, or no text
            first = header = ""
        if not first.startswith("# images ") or header != "index,label":
            raise CourseError(f"{self.path} is no file of labels (it begins otherwise); {mend}")
        if first != f"# images {self._digest}":
            raise CourseError(f"{self.path} holds labels of other pictures; {mend}")
        given = {}
        for number, row in enumerate(rows, 3):
            try:
                index, label = map(int, row.split(","))
            except ValueError:
                index = label = -2
            if not (0 <= index < len(self.pixels) and DISCARDED <= label < len(self.classes)) or index in given:
                raise CourseError(f"{self.path}, line {number} is damaged: {row!r}; {mend}")
            given[index] = label
        return given


def label_tool(pixels: Tensor, classes: Sequence[str], path: str | Path) -> LabelTool:
    """Label generated pictures (uint8, N × C × H × W) by hand, one by one; returns the tool, whose `.labels` grow.

    It goes on where the file at `path` ends. Raises CourseError if that file is damaged or belongs to other pictures.
    """
    tool = LabelTool(pixels, classes, path)
    shown = pixels[:30]
    alt = f"The first {len(shown)} of {len(pixels)} generated pictures that a person would label one by one."
    if show.interactive():
        page.show(label_form(tool), show.picture(figures.image_grid(shown), alt)[0])
    else:
        show.figure(figures.image_grid(shown), alt)
        show.markdown(
            f"{tool.seen} of {len(pixels)} pictures have a label in `{tool.path.name}`. Run this cell in JupyterLab to "
            "label them yourself: a button for each class, and *cannot read* for what nobody could name."
        )
    return tool


def label_form(tool: LabelTool) -> Any:
    """Build the widget of a `LabelTool`: the picture, a button per class, and a field to type into instead."""
    import ipywidgets as w

    picture, error = w.HTML(), w.HTML()
    count = w.IntProgress(max=len(tool.pixels), layout=w.Layout(width="100%"))
    line = w.Label()
    typed = w.Text(placeholder="or type", continuous_update=False, layout=w.Layout(width="7em"))
    narrow = w.Layout(width="auto")
    buttons = [w.Button(description=name, layout=narrow) for name in tool.classes]
    discard = w.Button(description="cannot read", layout=narrow)
    back = w.Button(description="back", icon="undo", layout=narrow)

    def refresh() -> None:
        index = tool.next()
        count.value = tool.seen
        if index is None:
            line.value = f"All {len(tool.pixels)} done: {int((tool.labels >= 0).sum())} labelled."
        else:
            picture.value = show.tag(figures.enlarged(tool.pixels[index]), "the generated picture to label")
            line.value = f"Picture {index + 1} of {len(tool.pixels)}: which one is it?"
        for button in (*buttons, discard, typed):
            button.disabled = index is None
        back.disabled = not tool.seen

    def act(label: int | None) -> None:
        """Give the next picture a label, or take the last one back (None)."""
        try:
            if label is None:
                tool.back()
            elif (index := tool.next()) is not None:
                tool.give(index, label)
        finally:
            refresh()

    act = page.show_errors(act, error, "This click is not saved and does not count. Mend this, then click again.")
    names = {name: label for label, name in enumerate(tool.classes)}
    meanings = {"x": DISCARDED, "b": None} | {str(label): label for label in names.values()} | names

    def type_in(change: Any) -> None:
        word = change["new"].strip()
        if not word:
            return
        typed.value = ""
        if word in meanings:
            act(meanings[word])
        else:
            line.value = f"{word!r} is no class; type 0 to {len(tool.classes) - 1}, x (cannot read) or b (back)."

    for label, button in enumerate(buttons):
        button.on_click(lambda _, label=label: act(label))
    discard.on_click(lambda _: act(DISCARDED))
    back.on_click(lambda _: act(None))
    typed.observe(type_in, "value")
    refresh()
    return w.HBox([picture, _controls(buttons, line, w.HBox([discard, back, typed]), count, error)])


def _controls(buttons: Sequence[Any], line: Any, others: Any, count: Any, error: Any) -> Any:
    """Put what stands beside the picture into a column: the buttons of the classes five a row."""
    import ipywidgets as w

    grid = w.GridBox(buttons, layout=w.Layout(grid_template_columns="repeat(5, 1fr)", grid_gap="4px"))
    keys = w.HTML(f"<small>Keys: 0 to {len(buttons) - 1}, x (cannot read), b (back), then Enter</small>")
    return w.VBox([line, grid, others, keys, count, error], layout=w.Layout(padding="0 0 0 16px"))
