import pytest

from course_utils.evaluate.gates import classifier_gate, generator_gate

STEPS = [100, 200, 300]


def finished(fd=(9.0, 2.0, 2.0), accuracy=(0.5, 0.9, 0.95), at_least=0.93, floor=1.0):
    return generator_gate(STEPS, [fd, fd], floor, [accuracy, accuracy], at_least)


def test_a_generator_that_came_to_rest_near_the_floor_passes():
    assert finished()["passed"]
    assert "conditional_accuracy" not in finished(at_least=None)["checks"]  # a paper that gives none
    mean_over_seeds = generator_gate(STEPS, [[9, 1, 2], [9, 3, 2]], 1.0, [[0.9] * 3] * 2)
    assert mean_over_seeds["passed"]


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"fd": (9.0, 3.5, 3.4)}, "fd_ratio"),
        ({"fd": (9.0, 2.5, 2.0)}, "fd_moved"),
        ({"fd": (9.0, 2.0, 2.5)}, "fd_moved"),
        ({"accuracy": (0.5, 0.9, 0.92)}, "conditional_accuracy"),
        ({"floor": 0.5}, "fd_ratio"),
    ],
)
def test_what_is_unfinished_does_not_pass_and_the_check_that_failed_says_so(change, check):
    gate = finished(**change)
    assert not gate["passed"]
    assert [name for name, found in gate["checks"].items() if not found["passed"]] == [check]


@pytest.mark.parametrize(("last", "passed"), [(0.954, True), (0.956, False), (0.944, False)])
def test_classifiers_have_converged_where_validation_moved_less_than_half_a_point(last, passed):
    assert classifier_gate(STEPS, [[0.8, 0.95, last]])["passed"] is passed
