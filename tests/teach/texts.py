"""A lesson's paper.toml, settings and quiz, as the tests of its texts read them."""

import tomllib

from course_utils.core.profiles import ROOT
from course_utils.teach.widgets import quiz


class Texts:
    def __init__(self, slug):
        self.folder = ROOT / "lessons" / slug
        self.numbers = {n["key"]: n for n in self._toml("paper.toml")["number"]}
        self.paper = {key: number["value"] for key, number in self.numbers.items()}
        self.settings = self._toml("settings.toml")
        self.quiz = {question.key: question for question in quiz.load(self.folder / "quiz.toml")}

    def holds(self, key, value):
        """Is the value right for this question of the quiz?"""
        right = self.quiz[key].right
        return right.lo <= value <= right.hi

    def names_wrong(self, key, value):
        """Is the value one of the mistakes that this question of the quiz explains?"""
        return any(wrong.lo <= value <= wrong.hi for wrong in self.quiz[key].wrong)

    def right_option(self, key):
        """The one right option of this question of the quiz."""
        (right,) = [option.text for option in self.quiz[key].options if option.right]
        return right

    def _toml(self, name):
        return tomllib.loads((self.folder / name).read_text("utf-8"))
