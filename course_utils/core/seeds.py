"""Seed random generators by name, so that no stream of random numbers depends on how much of another was used."""

from __future__ import annotations

import numpy as np
import torch

from course_utils.core.errors import CourseError


def number(*key: int | str) -> int:
    """Return the seed, 0 … 2⁶³ − 1, of a key such as (0, "batches"): always the same for the same key.

    A key is read as a row of 32-bit words, the bytes of a name as one number; zeros at the end of a row of up to four
    words do not count. So ("a",) equals (97,), (2³²,) equals (0, 1), and (0, "a", 0) equals (0, "a"): give each purpose
    a name of its own rather than one more number. Raises CourseError for a number below 0.
    """
    if negative := [k for k in key if isinstance(k, int) and k < 0]:
        raise CourseError(f"the key {key} of a seed holds {negative[0]}, expected 0 or more; choose another seed")
    words = [k if isinstance(k, int) else int.from_bytes(k.encode(), "big") for k in key]
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> 1)


def generator(*key: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a new generator, seeded with the number of its key."""
    return torch.Generator(device).manual_seed(number(*key))


class IsolatedRNG:
    """Give the code inside `with` its own stream of PyTorch's default random numbers, on the CPU and one GPU.

    Each `with` continues the stream where the last one stopped, and restores the default generators afterwards. What is
    drawn inside (dropout, latent points) depends on the seed alone, whatever else drew random numbers in between.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self.device = device
        outside = self._states()
        torch.manual_seed(seed)
        self.states = self._states()
        self._set(outside)

    def __enter__(self) -> None:
        self._outside = self._states()
        self._set(self.states)

    def __exit__(self, *error: object) -> None:
        self.states = self._states()
        self._set(self._outside)

    def _states(self) -> dict[str, torch.Tensor]:
        states = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.device)
        return states

    def _set(self, states: dict[str, torch.Tensor]) -> None:
        torch.set_rng_state(states["cpu"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(states["cuda"], self.device)
