"""Classification scores of answers whose scores are known."""

import pytest
import torch

from course_utils.core.errors import CourseError
from course_utils.evaluate import classification


def test_classification_scores_of_a_known_answer():
    labels, said = torch.tensor([0, 0, 1, 1, 2, 2]), torch.tensor([0, 0, 1, 0, 2, 1])
    assert classification.scores(labels, said) == pytest.approx(
        {"accuracy": 4 / 6, "macro_f1": (0.8 + 0.5 + 2 / 3) / 3}
    )
    report = classification.report(labels, said, ("a", "b", "c"))
    assert report["recall"].tolist() == [1, 0.5, 0.5] and report["support"].tolist() == [2, 2, 2]
    assert classification.confusion(labels, said, 3).tolist() == [[2, 0, 0], [1, 1, 0], [0, 1, 1]]


def test_a_class_that_is_never_said_scores_zero_without_a_warning(recwarn):
    report = classification.report(torch.tensor([0, 1]), torch.tensor([0, 0]), ("a", "b"))
    assert report.loc["b", "precision"] == 0 and not recwarn.list


def test_a_classifier_that_gave_up_is_found():
    assert classification.constant_answer(torch.full((50,), 7)) == 7
    assert classification.constant_answer(torch.zeros(50, dtype=torch.int64)) == 0
    assert classification.constant_answer(torch.tensor([7] * 49 + [2])) is None


@pytest.mark.parametrize(
    ("measure", "says"),
    [
        (lambda none, two: classification.scores(none, none), "expected one of each"),
        (lambda none, two: classification.scores(two, two[:1]), r"shape \(2,\), predictions of \(1,\)"),
        (lambda none, two: classification.constant_answer(none), "no predictions"),
    ],
)
def test_bad_input_is_named(measure, says):
    with pytest.raises(CourseError, match=says):
        measure(torch.tensor([]), torch.tensor([0, 1]))
