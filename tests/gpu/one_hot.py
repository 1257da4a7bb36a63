"""An exercise whose answer makes a tensor of its own, on the device of its input or on another."""

import torch

from course_utils.teach.exercises.exercise import Exercise


class OneHot(Exercise):
    lesson, title, minutes, difficulty = "00", "One-hot", 1, 1

    @staticmethod
    def reference(c, k):
        return (c[:, None] == torch.arange(k, device=c.device)).float()

    def test(self, answer):
        assert torch.equal(answer(torch.tensor([2, 0]), 3), self.reference(torch.tensor([2, 0]), 3))
