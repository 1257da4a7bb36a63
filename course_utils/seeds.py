"""Random generators by name, so that one stream of random numbers never depends on how much another was used."""

from __future__ import annotations

import numpy as np
import torch


def generator(*key: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """The generator of a key such as (seed, "batches"): the same key gives the same stream, another key another one."""
    words = [k if isinstance(k, int) else int.from_bytes(k.encode(), "big") for k in key]
    state = int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> 1)
    return torch.Generator(device).manual_seed(state)
