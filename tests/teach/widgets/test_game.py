"""Real or fake: what the game asks, counts, keeps and gives away."""

import pytest
import torch

from course_utils.core.errors import CourseError
from course_utils.evaluate.statistics import proportion_interval
from course_utils.teach import progress, show
from course_utils.teach.widgets import game
from course_utils.teach.widgets.game import Game, game_form, real_or_fake

ALT = "A grey square."
REAL = torch.arange(100, 130, dtype=torch.uint8).view(30, 1, 1, 1).repeat(1, 1, 8, 8)  # 100 and up
FAKE = torch.arange(0, 40, dtype=torch.uint8).view(40, 1, 1, 1).repeat(1, 1, 8, 8)
KNOWING = (REAL[:, 0, 0, 0].float(), FAKE[:, 0, 0, 0].float())  # a D that is always right


@pytest.fixture(autouse=True)
def looked_at(monkeypatch):
    """Every click counts, however fast the test is."""
    monkeypatch.setattr(game, "SEEN_S", 0)


def a_game(d=KNOWING, **settings):
    return Game("04_x", REAL, FAKE, *d, **settings)


def play(game, right):
    """Play the next rounds: the right side where `right` says so."""
    for hit in right:
        side = int(game.truth[len(game.choices)])
        game.choose(side if hit else 1 - side)


def parts(form):
    """(line, pictures, buttons, board, last, error) of the widget."""
    line, (*pair, right), error = form.children[0], form.children[1].children, form.children[2]
    pictures, buttons = zip(*(box.children for box in pair), strict=True)
    return line, pictures, buttons, *right.children, error


def test_each_pair_holds_one_real_and_one_generated_picture_in_the_order_of_the_seed():
    found = a_game()
    values = found.pairs[:, :, 0, 0, 0]
    assert values.shape == (20, 2)
    assert torch.equal(values.ge(100).long().argmax(1), found.truth) and (values.ge(100).sum(1) == 1).all()
    assert len(values.unique()) == 40
    assert 0 < found.truth.sum() < 20  # both sides
    assert torch.equal(a_game().pairs, found.pairs) and torch.equal(a_game().truth, found.truth)
    assert not torch.equal(a_game(seed=1).pairs, found.pairs)


@pytest.mark.parametrize("seed", range(3))
def test_as_many_real_as_fake_ones_are_paired_picture_by_picture(seed):
    played = Game("04_x", REAL, FAKE[:30], KNOWING[0], torch.arange(30.0), seed=seed)
    places = played.pairs[:, :, 0, 0, 0].long() % 100  # picture i is i, or 100 + i
    assert torch.equal(places[:, 0], places[:, 1]) and len(places[:, 0].unique()) == 20
    by_d = torch.where(played.truth == 0, 1, 0)  # D, which says 0 of every real one, takes the fake for real
    assert torch.equal(Game("04_x", REAL, FAKE[:30], torch.zeros(30), torch.ones(30), seed=seed).d_choices, by_d)


def test_d_is_scored_on_the_same_pairs():
    assert a_game().d_hits().all()
    assert not a_game((KNOWING[0] * 0, KNOWING[1] + 1)).d_hits().any()
    undecided = a_game((KNOWING[0] * 0, KNOWING[1] * 0))
    assert torch.equal(undecided.d_hits(), undecided.truth == 0)  # a coin's score, not a perfect one
    odd = torch.arange(40) % 2 == 1  # D is fooled by every second fake
    some = a_game((torch.zeros(30), odd * 2.0 - 1))
    fooled = (some.pairs[:, :, 0, 0, 0].amin(1) % 2).bool()
    assert torch.equal(some.d_hits(), ~fooled) and 0 < fooled.sum() < 20
    column = a_game((KNOWING[0][:, None], KNOWING[1][:, None]))  # N × 1, as networks give it
    assert column.d_hits().all()


def test_every_round_is_recorded_and_the_game_goes_on_where_it_was_left():
    first = a_game()
    play(first, [True, False, True])
    entry = progress.entry("04_x", "games", "real-or-fake")
    assert (entry["right"], entry["d_right"], entry["of"]) == (2, 3, 20)
    again = a_game()
    assert again.choices == first.choices and again.hits().tolist() == [True, False, True]
    play(again, [True])
    assert a_game().hits().tolist() == [True, False, True, True]
    assert a_game(seed=1).choices == []  # other pairs are another game
    assert a_game(key="other").choices == []


def test_the_widget_shows_the_pair_and_then_the_score_beside_ds():
    found = a_game()
    line, pictures, buttons, board, last, error = parts(game_form(found, ALT))
    assert "Round 1 of 20" in line.value and (board.value, last.value) == ("", "")
    before = [picture.value for picture in pictures]
    wrong = 1 - int(found.truth[0])
    buttons[wrong].click()
    assert found.choices == [wrong]
    assert "Round 2 of 20" in line.value and all(new.value != old for new, old in zip(pictures, before, strict=True))
    assert "<b>You</b>: 0 of 1 right" in board.value and "<b>D</b>: 1 of 1 right" in board.value
    assert f"{proportion_interval(1, 1).text(100, 0)} %" in board.value
    assert "you ✘" in last.value and "D ✔" in last.value and error.value == ""


def test_the_page_tells_nothing_before_the_choice():
    forms = [game_form(a_game(seed=seed), ALT) for seed in range(8)]
    truths = {int(a_game(seed=seed).truth[0]) for seed in range(8)}
    assert truths == {0, 1}

    def words(form):
        """All text of the first round, the pictures' own bytes left out."""
        line, pictures, buttons, board, last, _ = parts(form)
        tags = [picture.value.split("src=")[0] for picture in pictures]
        looks = [(button.description, button.tooltip, button.button_style, button.disabled) for button in buttons]
        return line.value, *tags, *looks, board.value, last.value

    assert len({words(form) for form in forms}) == 1


@pytest.mark.parametrize(("hits", "said"), [(17, "above 50 %"), (10, "cannot tell you from a coin"), (2, "below 50 %")])
def test_a_whole_game_ends_with_what_its_interval_supports(hits, said):
    found = a_game()
    line, _, buttons, board, _, _ = parts(game_form(found, ALT))
    for n in range(20):
        assert not found.over
        buttons[int(found.truth[n]) if n < hits else 1 - int(found.truth[n])].click()
    assert found.over and line.value == "All rounds played." and all(button.disabled for button in buttons)
    assert f"<b>You</b>: {hits} of 20 right" in board.value and said in board.value
    assert f"only D in {20 - hits} rounds" in board.value


def test_the_second_click_of_a_double_click_answers_no_pair_unseen(monkeypatch):
    monkeypatch.setattr(game, "SEEN_S", 60)
    found = a_game()
    line, _, buttons, _, _, _ = parts(game_form(found, ALT))
    for _ in range(2):
        buttons[0].click()
    assert found.choices == [0] and "Round 2 of 20" in line.value
    monkeypatch.setattr(game, "SEEN_S", 0)
    buttons[1].click()
    assert found.choices == [0, 1]


@pytest.mark.reliability("faults")
def test_a_round_that_cannot_be_saved_is_said_and_saved_with_the_next(course_home):
    found = a_game()
    _, _, buttons, _, _, error = parts(game_form(found, ALT))
    course_home.write_text("a file where the folder should be")
    buttons[0].click()
    assert "set COURSE_HOME to another folder" in error.value and "could not be saved" in error.value
    course_home.unlink()
    buttons[1].click()
    assert error.value == "" and progress.entry("04_x", "games", "real-or-fake")["choices"] == [0, 1]


def test_headless_the_pairs_are_numbered_and_the_answers_folded(capsys, monkeypatch):
    sheets = []
    monkeypatch.setattr(show, "figure", lambda fig, alt: sheets.append((fig, alt)))
    found = real_or_fake("04_x", REAL, FAKE, *KNOWING, ALT, rounds=12)
    ((fig, alt),) = sheets
    titles = [text.get_text() for text in fig.axes[0].texts]
    assert titles[:11] == [f"{n}a" for n in range(1, 11)] + ["1b"] and titles[20:22] == ["11a", "12a"]
    assert alt.startswith(ALT)
    answers = capsys.readouterr().out.split("<details>")[1]
    assert f"1{'ab'[int(found.truth[0])]}, 2{'ab'[int(found.truth[1])]}, " in answers
    assert "<b>D</b>: 12 of 12 right" in answers
    assert progress.entry("04_x", "games", "real-or-fake") == {}


@pytest.mark.parametrize(
    ("real", "fake", "d_real", "d_fake", "rounds", "message"),
    [
        (REAL.float(), FAKE, *KNOWING, 20, "real: expected uint8"),
        (REAL, FAKE[:0], KNOWING[0], KNOWING[1][:0], 20, "fake: expected uint8"),
        (REAL, FAKE, KNOWING[0][1:], KNOWING[1], 20, "d_real has 29 numbers for 30 pictures"),
        (REAL, FAKE[..., 1:], *KNOWING, 20, "fake ones"),
        (REAL, FAKE, *KNOWING, 0, "game of 0 rounds"),
    ],
)
def test_what_does_not_fit_is_named(real, fake, d_real, d_fake, rounds, message):
    with pytest.raises(CourseError, match=message):
        Game("04_x", real, fake, d_real, d_fake, rounds=rounds)
