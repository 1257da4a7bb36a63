"""The row of a judge holds the measures of `samples`, from features that are computed once."""

import pytest
import torch

from course_utils.classify.networks import LeNet
from course_utils.evaluate import samples
from course_utils.evaluate.judge import Judge, rounded


def noise(n, seed):
    return torch.randint(0, 256, (n, 1, 28, 28), generator=torch.Generator().manual_seed(seed)).byte()


def test_a_row_holds_the_measures_of_samples_and_those_of_the_logits_first():
    torch.manual_seed(0)
    network = LeNet().eval()
    reference, train, new, fakes = (noise(n, seed) for seed, n in enumerate((60, 50, 40, 30)))
    labels = torch.arange(30) % 10

    def agreement(logits, asked):
        assert not logits.requires_grad and len(logits) == len(asked) == 30
        return (logits.argmax(1) == asked).float().mean()

    judged = Judge(network, reference, train, new, {"agreement": agreement})
    row = judged(fakes, labels)
    f = samples.features(network, fakes)
    density, coverage = samples.density_and_coverage(judged.reference, f)
    assert list(row) == ["agreement", "fd_lenet", "density", "coverage", "memorisation"]
    assert row == {
        "agreement": pytest.approx(float((network.head(f).argmax(1) == labels).float().mean())),
        "fd_lenet": samples.frechet_distance(judged.reference, f),
        "density": density,
        "coverage": coverage,
        "memorisation": samples.memorisation(f, judged.train, judged.new),
    }
    assert Judge(network, reference, train, new)(fakes) == {k: v for k, v in row.items() if k != "agreement"}
    assert torch.equal(judged.train, samples.features(network, train))


def test_a_row_is_rounded_as_it_is_printed():
    assert rounded({"fd_lenet": 12.345, "coverage": 0.987}) == {"fd_lenet": 12.3, "coverage": 0.99}
