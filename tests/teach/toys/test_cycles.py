"""The toy of cycle consistency: the cycle closes for every map that can be undone, and says nothing of pairs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.teach import show
from course_utils.teach.toys import cycles

UNDONE = ("rotation", "reflection", "swaps")


@given(kind=st.sampled_from(cycles.KINDS), turn=st.integers(-360, 360), seed=st.integers(0, 20))
def test_whatever_can_be_undone_has_no_cycle_loss_and_nothing_else(kind, turn, seed):
    loss = cycles.translation(kind, turn, seed).cycle_loss
    assert loss < 1e-6 if kind in UNDONE else loss > 0.5


def test_of_all_maps_that_a_critic_accepts_one_is_right():
    low, high, step = cycles.TURNS
    seen = {turn: cycles.translation("rotation", turn) for turn in range(low, high + 1, step)}
    accepted = [turn for turn, map_ in seen.items() if map_.on_b > 0.99]
    assert len(accepted) >= 5 and [turn for turn in accepted if seen[turn].right > 0.99] == [cycles.TURN]
    first = low + round((high - low) / 2 / step) * step  # where the slider begins
    assert (seen[first].on_b, seen[first].right) == (1, 0)
    for kind in UNDONE[1:]:
        other = cycles.translation(kind, cycles.TURN)
        assert other.on_b == 1 and other.right == pytest.approx(1 / cycles.CORNERS)


@pytest.mark.parametrize("kind", cycles.KINDS)
def test_the_picture_says_what_the_translation_holds_and_follows_a_slider(kind):
    seen = cycles.translation(kind, 112)
    fig = cycles.picture(kind, 112)
    titles = [ax.get_title() for ax in fig.axes]
    assert titles[1].endswith(f"on B {100 * seen.on_b:.0f} %, right {100 * seen.right:.0f} %")
    assert titles[2].endswith(f"cycle loss {seen.cycle_loss:.3f}")
    assert show.png(fig)
