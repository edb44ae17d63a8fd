"""A step of `minimize` beside a hand-written loop that does the same: `python -m ...overhead`.

Both train the same networks with the same losses, Adam, moving average and recorded numbers, and
take turns of twenty steps in one process, so that what else the machine does meets both. Times are
CPU times on one thread; a ratio is the median over turns. The loop by hand is run with Adam as
torch makes it and with its fused form, which is what `minimize` uses; for losses without a critic
also with the package's own `definition.loss`, so that what is left is the loop alone.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.functional import softplus

import divergences as dv

WARM_UP, TURN, RECORD_EVERY = 40, 20, 10
RATE, DECAY, GAMMA, PROJECTIONS = 1e-3, 0.999, 0.1, 100
BATCHES = (128, 256)
_TURNS_OF_MEASURE = 20

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Record:
    """One comparison: milliseconds of CPU for a step, and their ratio."""

    case: str
    batch_size: int
    by_hand: str
    milliseconds: float
    milliseconds_by_hand: float
    ratio: float

    @property
    def steps_per_second(self) -> float:
        """Of `minimize`."""
        return 1000 / self.milliseconds


def sliced(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    directions = torch.randn(PROJECTIONS, x.shape[1])
    directions = directions / directions.norm(dim=1, keepdim=True)
    start, end = ((directions @ batch.T).sort(dim=1).values for batch in (x, y))
    return (start - end).square().mean()


def squared_mmd(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    n = len(x)
    width = torch.pdist(torch.cat([x, y])).median()

    def kernel(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        # The expanded square, which is faster, is wrong for points that are close.
        distance = torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist")
        return torch.exp(-((distance / width) ** 2) / 2)

    within = (kernel(x, x).sum() - n) + (kernel(y, y).sum() - n)
    return within / (n * (n - 1)) - 2 * kernel(x, y).mean()


@dataclass(frozen=True)
class Case:
    """What is trained: by `minimize`, and by hand as a game of `kind` or down a `loss`."""

    name: str
    definition: dv.Definition
    method: Any = "auto"
    kind: str | None = None
    loss: Loss | None = None

    @property
    def critic_options(self) -> dict[str, Any]:
        """What `minimize` takes where there is a critic."""
        if self.kind is None:
            return {}
        penalties = [dv.R1(GAMMA), dv.R2(GAMMA)] if self.kind == "pairing" else []
        return {
            "critic": networks()[1],
            "regularizers": penalties,
            "critic_learning_rate": RATE,
        }

    def loops(self, batch_size: int) -> dict[str, ByHand]:
        """The loops to compare with, by what they use."""
        loops = {
            "Adam": ByHand(self.kind, self.loss, batch_size, fused=None),
            "fused Adam": ByHand(self.kind, self.loss, batch_size, fused=True),
        }
        if self.kind is None:
            ours = ByHand(None, self.definition.loss, batch_size, fused=True)
            loops["fused Adam, definition.loss"] = ours
        return loops


CASES = (
    Case("JS, minimax", dv.JensenShannon(), dv.LogisticCritic(0.0, float("inf")), kind="minimax"),
    Case("pairing, R1 and R2", dv.RelativisticPairing(), kind="pairing"),
    Case("sliced Wasserstein", dv.SlicedWasserstein(), loss=sliced),
    Case("MMD", dv.MMD(), loss=squared_mmd),
)


def networks() -> tuple[nn.Module, nn.Module]:
    """A generator of 4 hidden layers and a critic of 3, 128 features each."""
    torch.manual_seed(0)
    return (
        dv.Perceptron(2, 2, width=128, depth=4, activation="leaky_relu"),
        dv.Perceptron(2, 1, width=128, depth=3, activation="leaky_relu"),
    )


def normal(n: int) -> torch.Tensor:
    return torch.randn(n, 2)


def data() -> torch.Tensor:
    return torch.randn(5_000, 2, generator=torch.Generator().manual_seed(1))


def gradient_norm(network: nn.Module) -> float:
    return nn.utils.get_total_norm([p.grad for p in network.parameters()]).item()


@dataclass(eq=False)
class ByHand:
    """The loop as one writes it in plain torch."""

    kind: str | None
    loss: Loss | None
    batch_size: int
    fused: bool | None
    history: list[list[float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.x = data()
        self.g, self.critic = networks()
        self.average = copy.deepcopy(self.g).requires_grad_(False)
        self.optimizer, self.critic_optimizer = (
            torch.optim.Adam(network.parameters(), lr=RATE, betas=(0.0, 0.99), fused=self.fused)
            for network in (self.g, self.critic)
        )

    def run(self, steps: int) -> None:
        for step in range(steps):
            recorded = step % RECORD_EVERY == 0
            row = []
            x = self.x[torch.randint(len(self.x), (self.batch_size,))]
            y = self.g(normal(self.batch_size))
            if self.kind is not None:
                row = self.train_critic(x, y.detach(), recorded)
            loss = self.generator_loss(x, y)
            self.optimizer.zero_grad()
            loss.backward()
            if recorded:
                self.history.append([*row, loss.item(), gradient_norm(self.g)])
            self.optimizer.step()
            with torch.no_grad():
                for own, followed in zip(
                    self.average.parameters(), self.g.parameters(), strict=True
                ):
                    own.lerp_(followed, 1 - DECAY)

    def train_critic(self, x: torch.Tensor, y: torch.Tensor, recorded: bool) -> list[float]:
        points = torch.cat([x, y])
        if self.kind == "pairing":
            points.requires_grad_()
        values = self.critic(points).reshape(-1)
        at_x, at_y = values[: len(x)], values[len(x) :]
        if self.kind == "minimax":
            loss = (softplus(-at_x).mean() + softplus(at_y).mean()) / 2
        else:
            (slopes,) = torch.autograd.grad(values.sum(), points, create_graph=True)
            squares = slopes.square().sum(dim=1)
            penalty = squares[: len(x)].mean() + squares[len(x) :].mean()
            loss = softplus(at_y - at_x).mean() + GAMMA / 2 * penalty
        self.critic_optimizer.zero_grad()
        loss.backward()
        row = []
        if recorded:
            row = [loss.item(), values.detach().std().item(), gradient_norm(self.critic)]
        self.critic_optimizer.step()
        return row

    def generator_loss(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if self.loss is not None:
            return self.loss(x, y)
        self.critic.requires_grad_(False)
        if self.kind == "minimax":
            loss = -softplus(self.critic(y).reshape(-1)).mean() / 2
        else:
            at_x, at_y = self.critic(torch.cat([x, y])).reshape(-1).split(len(x))
            loss = softplus(at_x - at_y).mean()
        self.critic.requires_grad_(True)
        return loss


def compare(case: Case, batch_size: int, turns: int) -> Iterator[Record]:
    """Let `minimize` and each loop take turns, and yield a record for each loop."""
    loops = case.loops(batch_size)
    times: dict[str, list[float]] = {name: [] for name in ("minimize", *loops)}
    left = 0.0

    def after_a_row(run: dv.TrainingRun, row: Any) -> None:
        nonlocal left
        now = time.process_time()
        if row.step <= WARM_UP or row.step % TURN:
            return
        times["minimize"].append(now - left)
        for name, loop in loops.items():
            start = time.process_time()
            loop.run(TURN)
            times[name].append(time.process_time() - start)
        left = time.process_time()

    dv.minimize(
        case.definition,
        dv.Pushforward(networks()[0], normal),
        data(),
        method=case.method,
        steps=WARM_UP + TURN * (turns + 1) + 1,
        batch_size=batch_size,
        learning_rate=RATE,
        average=DECAY,
        record_every=RECORD_EVERY,
        monitor=dv.Monitor(dv.Energy(), points=20, every=10**9),
        callbacks=[after_a_row],
        rng=0,
        progress=False,
        **case.critic_options,
    )
    # The first turn of `minimize` began before there was a clock to read.
    medians = {name: statistics.median(taken[1:]) / TURN for name, taken in times.items()}
    for name in loops:
        ratios = [a / b for a, b in zip(times["minimize"][1:], times[name][1:], strict=True)]
        yield Record(
            case.name,
            batch_size,
            name,
            1000 * medians["minimize"],
            1000 * medians[name],
            statistics.median(ratios),
        )


def every_record(turns: int = 40, only: str = "") -> Iterator[Record]:
    """Yield the records of all cases whose name contains `only`, on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for case in CASES:
            for batch_size in BATCHES:
                if only in case.name:
                    yield from compare(case, batch_size, turns)
    finally:
        torch.set_num_threads(before)


METHODS = {f"{case.name}, batch {size}": (case, size) for case in CASES for size in BATCHES}


def measure(method: str, seed: int) -> dict[str, float]:
    """Steps per second, and the ratio to each loop by hand; every seed measures afresh."""
    found = list(compare(*METHODS[method], turns=_TURNS_OF_MEASURE))
    ratios = {f"time over {record.by_hand}": record.ratio for record in found}
    return {"steps per second": found[0].steps_per_second} | ratios


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.overhead", description=__doc__
    )
    parser.add_argument("--turns", type=int, default=40, help="turns of 20 steps for each loop")
    parser.add_argument("--only", default="", help="run the cases whose name contains this")
    arguments = parser.parse_args()
    print(
        f"{'case':<20}{'batch':>6}  {'by hand with':<28}{'ms':>7}{'by hand':>9}{'ratio':>7}"
        f"{'steps/s':>9}"
    )
    for record in every_record(arguments.turns, arguments.only):
        print(
            f"{record.case:<20}{record.batch_size:>6}  {record.by_hand:<28}"
            f"{record.milliseconds:>7.2f}{record.milliseconds_by_hand:>9.2f}{record.ratio:>7.3f}"
            f"{record.steps_per_second:>9.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
