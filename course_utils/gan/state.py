"""Hold everything that changes while G and D train, and save it to a checkpoint or resume it from one."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path

import torch
from torch import Tensor, nn

from course_utils.core import checkpoint
from course_utils.core.checkpoint import CheckpointError
from course_utils.core.seeds import IsolatedRNG
from course_utils.core.stacked import Stacked

FACTS = ("step", "losses", "max_spread", "collapsed_reports")  # what a checkpoint holds beside tensors


class TrainState:
    """The networks of a training run, their optimisers, the moving average of G, the random numbers and the progress.

    D: None for an autoencoder. Both networks are moved to `device` and trained in place. `rate` is the learning rate of
    both, a tensor on the device, so that a recorded CUDA graph reads its present value.
    """

    def __init__(
        self, G: nn.Module, D: nn.Module | None, device: torch.device, seed: int, lr: float, betas: tuple[float, float]
    ) -> None:
        self.G, self.D, self.device = G, D, device
        self.networks = {"G": G} if D is None else {"D": D, "G": G}
        for net in self.networks.values():
            net.to(device).train()
            if device.type == "cuda" and not isinstance(net, Stacked):  # tensor cores convolve channels last
                net.to(memory_format=torch.channels_last)
        self.mean_G = copy.deepcopy(G).eval().requires_grad_(False)
        self.rate = torch.tensor(lr, device=device)
        adam = {"lr": self.rate, "betas": betas, "fused": True, "capturable": device.type == "cuda"}
        self.optimizers = {name: torch.optim.Adam(net.parameters(), **adam) for name, net in self.networks.items()}
        self.random = IsolatedRNG(seed, device)
        self.paused = torch.zeros(len(self.networks), device=device)  # 1 where D, or G, skips the next update
        self.fixed: tuple[Tensor, ...] = ()  # inputs of G for the samples of reports
        self.step = 0
        self.losses: dict[str, list[float]] = {name: [] for name in self.networks}
        self.max_spread = 0.0  # the largest spread of fakes over z at any report so far
        self.collapsed_reports = 0  # the last reports in a row at which G had collapsed

    def allow_pauses(self) -> None:
        """Make a network skip its updates while its entry of `paused` is 1.

        Adam changes neither weights nor moments where its `found_inf` is 1. PyTorch has it for mixed precision; here
        it is a pause that needs no value read back from the device.
        """
        for optimizer, paused in zip(self.optimizers.values(), self.paused, strict=True):
            optimizer.found_inf = paused

    @torch.no_grad()
    def average(self, decay: float) -> None:
        """Move the average of G's weights towards G by 1 − decay."""
        torch._foreach_lerp_(list(self.mean_G.parameters()), list(self.G.parameters()), 1 - decay)

    @torch.no_grad()
    def report(self, step: int, losses: list[float]) -> None:
        """Add the mean losses of D and G up to `step`; copy G's running statistics (batch normalisation) to the average
        of G, since averages of weights have none of their own."""
        self.step = step
        for name, value in zip(self.losses, losses, strict=True):
            self.losses[name].append(value)
        for mine, its in zip(self.mean_G.buffers(), self.G.buffers(), strict=True):
            mine.copy_(its)

    def save(self, path: Path, about: dict) -> None:
        """Write everything to `path`. about: the run's settings, which `resume` compares with its own."""
        tensors = self._tensors()
        for name, opt in self.optimizers.items():
            for k, entry in opt.state_dict()["state"].items():
                tensors |= {f"opt_{name}.{k}.{key}": t for key, t in entry.items()}
        checkpoint.save(path, tensors, {"about": about, **{name: getattr(self, name) for name in FACTS}})

    def resume(self, path: Path, about: dict) -> None:
        """Load what `save` wrote. Raises CheckpointError where the file is damaged or of another run."""
        tensors, facts = checkpoint.load(path)
        self._require_same_run(path, tensors, facts, json.loads(json.dumps(about)))
        for name, net in self._networks():
            net.load_state_dict(_under(name, tensors))
        for name, opt in self.optimizers.items():
            self._load_optimizer(opt, _under(f"opt_{name}", tensors))
        self.random.states = _under("random", tensors)
        try:
            with self.random:
                pass
        except RuntimeError as error:
            raise CheckpointError(f"{path} holds no state of random numbers ({error}); delete it") from None
        self.paused.copy_(tensors["paused"])
        self.fixed = tuple(t.to(self.device) for _, t in sorted(_under("fixed", tensors).items()))
        for name in FACTS:
            setattr(self, name, facts[name])

    def _load_optimizer(self, opt: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
        state: dict[int, dict[str, Tensor]] = {}
        weights = opt.param_groups[0]["params"]
        for key, tensor in tensors.items():
            k, _, entry = key.partition(".")
            if tensor.ndim:  # fused Adam expects moments in the memory format of their weights
                tensor = torch.empty_like(weights[int(k)]).copy_(tensor)
            state.setdefault(int(k), {})[entry] = tensor
        opt.load_state_dict({"state": state, "param_groups": opt.state_dict()["param_groups"]})
        opt.param_groups[0]["lr"] = self.rate

    def _require_same_run(self, path: Path, tensors: dict[str, Tensor], facts: dict, about: dict) -> None:
        theirs = facts.get("about")
        theirs = theirs if isinstance(theirs, dict) else {}
        for key, value in about.items():
            if theirs.get(key) != value:
                raise CheckpointError(
                    f"{path} is of another run: {key} is {theirs.get(key)!r} in the file and {value!r} here; "
                    "delete it, or name another file"
                )
        if fault := self._tensor_fault(tensors) or self._fact_fault(facts, about.get("steps", math.inf)):
            raise CheckpointError(f"{path} is of other networks ({fault}); delete it, or name another file")

    def _tensor_fault(self, tensors: dict[str, Tensor]) -> str:
        """How the tensors of a checkpoint differ from ours in name, shape or type; empty if they do not."""
        ours = self._tensors()
        for name, opt in self.optimizers.items():
            for k, weights in enumerate(opt.param_groups[0]["params"]):
                if any(key.startswith(f"opt_{name}.{k}.") for key in tensors):
                    ours |= {f"opt_{name}.{k}.{moment}": weights for moment in ("exp_avg", "exp_avg_sq")}
                    ours[f"opt_{name}.{k}.step"] = self.rate
        for key in (*ours, *tensors):
            if key not in ours or key not in tensors:
                return f"{key} is only {'in the file' if key in tensors else 'here'}"
            theirs, mine = ((t.dtype, tuple(t.shape)) for t in (tensors[key], ours[key]))
            if theirs != mine:
                return f"{key} is {theirs} in the file and {mine} here"
        return ""

    def _fact_fault(self, facts: dict, steps: float) -> str:
        """What is wrong with the facts of a checkpoint; empty if nothing is."""
        losses, counts = facts.get("losses"), [facts.get(name) for name in ("step", "collapsed_reports")]
        if not all(type(count) is int and count >= 0 for count in counts) or counts[0] > steps:
            return f"step and collapsed_reports are {counts}"
        if not isinstance(losses, dict) or list(losses) != list(self.losses):
            return f"losses are of {losses if not isinstance(losses, dict) else list(losses)}"
        if not all(isinstance(values, list) and _finite(values) for values in losses.values()):
            return "losses are not finite numbers"
        return "" if _finite([facts.get("max_spread")]) else "max_spread is not a finite number"

    def _tensors(self) -> dict[str, Tensor]:
        """What a checkpoint always holds; the optimisers' moments exist from the first step on only."""
        tensors = {f"{name}.{key}": t for name, net in self._networks() for key, t in net.state_dict().items()}
        tensors |= {f"random.{key}": t for key, t in self.random.states.items()} | {"paused": self.paused}
        return tensors | {f"fixed.{k}": t for k, t in enumerate(self.fixed)}

    def _networks(self) -> tuple[tuple[str, nn.Module], ...]:
        return *self.networks.items(), ("mean_G", self.mean_G)


def _finite(values: list) -> bool:
    return all(isinstance(value, int | float) and math.isfinite(value) for value in values)


def _under(name: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with `name` and a dot, without that beginning."""
    return {key.removeprefix(f"{name}."): t for key, t in tensors.items() if key.startswith(f"{name}.")}
