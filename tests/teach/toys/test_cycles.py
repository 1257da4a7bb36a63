"""The toy of cycle consistency: the cycle closes for every map that can be undone, and says nothing of pairs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.teach import show
from course_utils.teach.toys import cycles

UNDONE = ("rotation", "reflection", "swaps")


@given(kind=st.sampled_from(UNDONE), turn=st.integers(-360, 360), seed=st.integers(0, 20))
def test_whatever_can_be_undone_has_no_cycle_loss(kind, turn, seed):
    assert cycles.translation(kind, turn, seed).cycle_loss < 1e-6


@given(turn=st.integers(-360, 360))
def test_what_cannot_be_undone_has(turn):
    assert cycles.translation("all onto one", turn).cycle_loss > 0.5


def test_of_all_rotations_that_a_critic_accepts_one_is_right():
    low, high, step = cycles.TURNS
    accepted = [t for t in range(low, high + 1, step) if cycles.translation("rotation", t).on_b > 0.99]
    right = [t for t in accepted if cycles.translation("rotation", t).right > 0.99]
    assert len(accepted) >= 5 and right == [cycles.TURN]
    assert all(cycles.translation("rotation", t).right == 0 for t in accepted if t not in right and abs(t - 40) > 20)


@pytest.mark.parametrize("kind", UNDONE[1:])
def test_a_reflection_and_swaps_are_accepted_and_wrong(kind):
    seen = cycles.translation(kind, cycles.TURN)
    assert seen.on_b == 1 and seen.right == pytest.approx(1 / cycles.CORNERS)


def test_the_slider_begins_at_a_map_that_is_accepted_and_wrong():
    low, high, step = cycles.TURNS
    seen = cycles.translation("rotation", low + round((high - low) / 2 / step) * step)
    assert (seen.on_b, seen.right) == (1, 0)
    assert all((turn - low) % step == 0 for turn in (cycles.TURN, cycles.TURN + 72))


@pytest.mark.parametrize("kind", cycles.KINDS)
def test_the_picture_says_what_the_translation_holds_and_follows_a_slider(kind):
    seen = cycles.translation(kind, 112)
    fig = cycles.picture(kind, 112)
    titles = [ax.get_title() for ax in fig.axes]
    assert titles[1].endswith(f"on B {100 * seen.on_b:.0f} %, right {100 * seen.right:.0f} %")
    assert titles[2].endswith(f"cycle loss {seen.cycle_loss:.3f}")
    assert show.png(fig)
