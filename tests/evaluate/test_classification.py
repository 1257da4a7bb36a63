"""Classification scores, held against scikit-learn and torchmetrics, and against answers that are known."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics
from sklearn.calibration import calibration_curve
from torchmetrics.classification import MulticlassCalibrationError

from course_utils.core.errors import CourseError
from course_utils.evaluate import classification

answers = arrays(np.int64, 40, elements=st.integers(0, 3))


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


@given(answers, answers)
def test_balanced_accuracy_is_scikit_learns(labels, said):
    labels[:2] = 0, 1
    exact = metrics.recall_score(labels, said, labels=np.unique(labels), average="macro", zero_division=0)
    assert classification.balanced_accuracy(torch.from_numpy(labels), torch.from_numpy(said)) == pytest.approx(exact)
    said = np.where(np.isin(said, labels), said, 0)  # scikit-learn warns of answers that no label has
    exact = metrics.balanced_accuracy_score(labels, said)
    assert classification.balanced_accuracy(torch.from_numpy(labels), torch.from_numpy(said)) == pytest.approx(exact)


def test_a_classifier_that_gave_up_is_found():
    assert classification.constant_answer(torch.full((50,), 7)) == 7
    assert classification.constant_answer(torch.zeros(50, dtype=torch.int64)) == 0
    assert classification.constant_answer(torch.tensor([7] * 49 + [2])) is None


def softmaxes(n, classes, seed, sharpness=2.0):
    g = torch.Generator().manual_seed(seed)
    probabilities = (sharpness * torch.randn(n, classes, generator=g)).softmax(dim=1)
    return torch.randint(classes, (n,), generator=g), probabilities


@pytest.mark.parametrize(("classes", "bins"), [(2, 10), (10, 15)])
def test_the_reliability_table_is_scikit_learns(classes, bins):
    labels, probabilities = softmaxes(700, classes, 0)
    confidence, said = probabilities.double().max(dim=1)
    accuracy, mean_confidence = calibration_curve((said == labels).numpy(), confidence.numpy(), n_bins=bins)
    _, table = classification.calibration(labels, probabilities, bins)
    filled = table[table["share"] > 0]
    np.testing.assert_allclose(filled["accuracy"], accuracy, rtol=1e-4)
    np.testing.assert_allclose(filled["confidence"], mean_confidence, rtol=1e-4)
    counts, _ = np.histogram(confidence.numpy(), np.linspace(0, 1, bins + 1))
    np.testing.assert_allclose(table["share"], counts / 700)
    assert len(table) == bins and table["accuracy"].isna().sum() == (counts == 0).sum() > 0


@pytest.mark.parametrize("seed", range(3))
def test_the_calibration_error_is_torchmetrics(seed):
    labels, probabilities = softmaxes(500, 10, seed)
    exact = MulticlassCalibrationError(num_classes=10, n_bins=10, norm="l1")(probabilities, labels)
    assert classification.calibration(labels, probabilities)[0] == pytest.approx(float(exact), rel=1e-4)


def test_a_calibrated_classifier_has_no_error_and_a_boaster_has_much():
    labels = torch.tensor([0] * 80 + [1] * 20)
    calm, boast = (torch.tensor([[p, 1 - p]]).repeat(100, 1) for p in (0.8, 1.0))
    assert classification.calibration(labels, calm)[0] == pytest.approx(0, abs=1e-6)
    assert classification.calibration(labels, boast)[0] == pytest.approx(0.2)


two = torch.tensor([0, 1])


@pytest.mark.parametrize(
    ("measure", "says"),
    [
        (lambda: classification.balanced_accuracy(two * 0, two), "all 2 labels are 0: one class has no balance"),
        (lambda: classification.balanced_accuracy(two, two[:1]), r"shape \(2,\), predictions of \(1,\)"),
        (lambda: classification.scores(two[:0], two[:0]), "expected one of each"),
        (lambda: classification.constant_answer(two[:0]), "no predictions"),
        (lambda: classification.calibration(two, torch.eye(2), bins=0), "0 bins, expected at least 1"),
        (lambda: classification.calibration(two, 3 * torch.eye(2)), "miss the sum 1 by up to 2; take softmax"),
        (lambda: classification.calibration(two, torch.eye(2) * float("nan")), r"take softmax\(1\)"),
        (lambda: classification.calibration(two, torch.ones(2, 1)), "two classes"),
    ],
)
def test_bad_input_gets_one_line_that_names_it(measure, says):
    with pytest.raises(CourseError, match=says) as caught:
        measure()
    assert "\n" not in str(caught.value)
