"""G and D with all that changes while they train: what a checkpoint must hold for a run to go on as if unbroken."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path

import torch
from torch import Tensor, nn

from course_utils.core import checkpoint
from course_utils.core.checkpoint import CheckpointError
from course_utils.core.seeds import OwnRandomness

FACTS = ("step", "losses", "widest", "one_picture")  # what a checkpoint holds beside tensors


class Players:
    """Two networks, their optimisers, the average of G, the run's random numbers, and how far the run has come.

    D may be None: an autoencoder has no opponent. Networks are moved to `device` and trained in place. `rate` is the
    learning rate of both, a tensor on the device, so that a recorded CUDA graph reads its present value.
    """

    def __init__(
        self, G: nn.Module, D: nn.Module | None, device: torch.device, seed: int, lr: float, betas: tuple[float, float]
    ) -> None:
        self.networks = {"G": G} if D is None else {"D": D, "G": G}
        for net in self.networks.values():
            net.to(device).train()
        self.G = G
        self.mean_G = copy.deepcopy(G).eval().requires_grad_(False)
        self.rate = torch.tensor(lr, device=device)
        adam = {"lr": self.rate, "betas": betas, "fused": True, "capturable": device.type == "cuda"}
        self.optimizers = {name: torch.optim.Adam(net.parameters(), **adam) for name, net in self.networks.items()}
        self.random = OwnRandomness(seed, device)
        self.paused = torch.zeros(len(self.networks), device=device)  # 1 where D, or G, sits out the next step
        self.fixed: tuple[Tensor, ...] = ()  # what reports draw samples from
        self.step = 0
        self.losses: dict[str, list[float]] = {name: [] for name in self.networks}
        self.widest = 0.0  # the largest spread of fakes over z at any report so far
        self.one_picture = 0  # reports in a row at which G, once more varied, drew one picture whatever z was

    def gated(self) -> None:
        """From now on a network pauses while its entry of `paused` is 1.

        Adam leaves weights and moments alone where its `found_inf` is 1. It is meant for mixed precision; here it is a
        pause that the host need not know of.
        """
        for optimizer, paused in zip(self.optimizers.values(), self.paused, strict=True):
            optimizer.found_inf = paused

    @torch.no_grad()
    def average(self, decay: float) -> None:
        """Move the average of G's weights towards G by 1 − decay."""
        torch._foreach_lerp_(list(self.mean_G.parameters()), list(self.G.parameters()), 1 - decay)

    @torch.no_grad()
    def report(self, step: int, losses: list[float]) -> None:
        """Note the mean losses of D and G up to `step`, and give the average G's running statistics (batch
        normalisation), which averages of weights do not have."""
        self.step = step
        for name, value in zip(self.losses, losses, strict=True):
            self.losses[name].append(value)
        for mine, its in zip(self.mean_G.buffers(), self.G.buffers(), strict=True):
            mine.copy_(its)

    def save(self, path: Path, about: dict) -> None:
        """Write everything to `path`; `about`: the run's settings, by which `resume` knows it."""
        tensors = self._tensors()
        for name, opt in self.optimizers.items():
            for k, entry in opt.state_dict()["state"].items():
                tensors |= {f"opt_{name}.{k}.{key}": t for key, t in entry.items()}
        checkpoint.save(path, tensors, {"about": about, **{name: getattr(self, name) for name in FACTS}})

    def resume(self, path: Path, about: dict) -> None:
        """Go on from what `save` wrote; raises CheckpointError where it is damaged or of another run."""
        tensors, facts = checkpoint.load(path)
        there, here = facts.get("about"), json.loads(json.dumps(about))
        there = there if isinstance(there, dict) else {}
        if differs := [key for key in here if there.get(key) != here[key]]:
            key = differs[0]
            raise CheckpointError(
                f"{path} is of another run: {key} is {there.get(key)!r} there and {here[key]!r} here; "
                "delete it, or name another file"
            )
        if fault := self._misfit(tensors) or self._odd(facts, about.get("steps", math.inf)):
            raise CheckpointError(f"{path} is of other networks ({fault}); delete it, or name another file")
        for name, net in self._networks():
            net.load_state_dict(_under(name, tensors))
        for name, opt in self.optimizers.items():
            state: dict[int, dict[str, Tensor]] = {}
            weights = opt.param_groups[0]["params"]
            for key, tensor in _under(f"opt_{name}", tensors).items():
                k, _, entry = key.partition(".")
                if tensor.ndim:  # moments lie in memory as their weights do; fused Adam takes that for granted
                    tensor = torch.empty_like(weights[int(k)]).copy_(tensor)
                state.setdefault(int(k), {})[entry] = tensor
            opt.load_state_dict({"state": state, "param_groups": opt.state_dict()["param_groups"]})
            opt.param_groups[0]["lr"] = self.rate
        self.random.states = _under("random", tensors)
        try:
            with self.random:
                pass
        except RuntimeError as error:
            raise CheckpointError(f"{path} holds no state of random numbers ({error}); delete it") from None
        self.paused.copy_(tensors["paused"])
        self.fixed = tuple(t.to(self.paused.device) for _, t in sorted(_under("fixed", tensors).items()))
        for name in FACTS:
            setattr(self, name, facts[name])

    def _tensors(self) -> dict[str, Tensor]:
        """What a checkpoint holds from the beginning; the optimisers' moments come with the first step."""
        tensors = {f"{name}.{key}": t for name, net in self._networks() for key, t in net.state_dict().items()}
        tensors |= {f"random.{key}": t for key, t in self.random.states.items()} | {"paused": self.paused}
        return tensors | {f"fixed.{k}": t for k, t in enumerate(self.fixed)}

    def _misfit(self, tensors: dict[str, Tensor]) -> str:
        """How the tensors of a checkpoint differ from ours, in names, shapes or types; empty if they do not."""
        ours = self._tensors()
        for name, opt in self.optimizers.items():
            for k, weights in enumerate(opt.param_groups[0]["params"]):
                if any(key.startswith(f"opt_{name}.{k}.") for key in tensors):
                    ours |= {f"opt_{name}.{k}.{moment}": weights for moment in ("exp_avg", "exp_avg_sq")}
                    ours[f"opt_{name}.{k}.step"] = self.rate
        for key in (*ours, *tensors):
            if key not in ours or key not in tensors:
                return f"{key} is only {'there' if key in tensors else 'here'}"
            there, here = ((t.dtype, tuple(t.shape)) for t in (tensors[key], ours[key]))
            if there != here:
                return f"{key} is {there} there and {here} here"
        return ""

    def _odd(self, facts: dict, steps: float) -> str:
        """What is wrong with the facts of a checkpoint; empty if nothing is."""
        losses, counts = facts.get("losses"), [facts.get(name) for name in ("step", "one_picture")]
        if not all(type(count) is int and count >= 0 for count in counts) or counts[0] > steps:
            return f"step and one_picture are {counts}"
        if not isinstance(losses, dict) or list(losses) != list(self.losses):
            return f"losses are of {losses if not isinstance(losses, dict) else list(losses)}"
        if not all(isinstance(values, list) and _finite(values) for values in losses.values()):
            return "losses are no numbers"
        return "" if _finite([facts.get("widest")]) else "widest is no number"

    def _networks(self) -> tuple[tuple[str, nn.Module], ...]:
        return *self.networks.items(), ("mean_G", self.mean_G)


def _finite(values: list) -> bool:
    return all(isinstance(value, int | float) and math.isfinite(value) for value in values)


def _under(name: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}."): t for key, t in tensors.items() if key.startswith(f"{name}.")}
