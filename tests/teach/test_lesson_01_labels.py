"""Lesson 1: whose labels are used, and of how many pictures looked at the share is that was discarded."""

from types import SimpleNamespace

import pytest
import torch

from course_tools.author import build
from course_tools.run.lessons import resolve
from course_utils.data.images import Images
from course_utils.evaluate import statistics
from course_utils.teach.widgets.label_tool import LabelTool

CLASSES = tuple("0123456789")
CELLS = [cell.source for cell in build.notebook(resolve(["1"])[0], "teacher").cells if cell.cell_type == "code"]
(CELL,) = [source for source in CELLS if "def labelled(" in source]


@pytest.fixture
def told(tmp_path):
    """Runs the cell with these labels given by hand to the first of twenty fakes → (what it says, its variables)."""

    def run(labels):
        fakes = torch.arange(20, dtype=torch.uint8).view(20, 1, 1, 1).repeat(1, 1, 8, 8)
        tool = LabelTool(fakes, CLASSES, tmp_path / "labels.csv")
        for index, label in enumerate(labels):
            tool.give(index, label)
        images = Images(fakes, torch.zeros(20, dtype=torch.int64), CLASSES)
        sure = torch.nn.functional.one_hot(torch.full((20,), 7), 10) * torch.tensor([9.0] * 5 + [0.0] * 15)[:, None]
        said = []
        known = {
            "torch": torch,
            "Images": Images,
            "statistics": statistics,
            "SEED": 0,
            "S": {"judge_updates": 1},
            "N_REPLACED": 3,
            "LeNet": lambda: None,
            "classifier": SimpleNamespace(
                train=lambda *_, **__: None, adam=lambda: None, logits=lambda _, images: sure
            ),
            "train": images,
            "tests": {"test": images},
            "fakes": fakes,
            "tool": tool,
            "lesson": SimpleNamespace(generator=lambda *_: None, device=torch.device("cpu")),
            "show": SimpleNamespace(markdown=said.append),
        }
        exec(CELL, known)
        return said[0], known

    return run


@pytest.mark.parametrize(
    ("labels", "whose", "kept", "discarded"),
    [([], "The judge’s", [7] * 5, 0.75), ([1, 2, -1, 4], "Yours", [1, 2, 4], 0.25)],
)
def test_enough_labels_are_yours_and_what_was_never_looked_at_is_not_discarded(told, labels, whose, kept, discarded):
    said, known = told(labels)
    assert whose in said and f"{100 * discarded:.0f} % discarded" in said
    assert known["kept"].labels.tolist() == kept and known["discarded"] == discarded
