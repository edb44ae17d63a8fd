"""What the benchmark of stacked digits keeps: one line for each training, and stacks to look at."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from divergences.report.layout import text_table
from tests.benchmarks.digit_judge import KINDS, SHAPE
from tests.benchmarks.records import RESULTS

STORE = RESULTS / "stacked-digits.jsonl"
STACKS = RESULTS / "stacked-digits.npz"
PICTURE = Path(__file__).parents[2] / "docs" / "images" / "stacked_digits.png"
_LEVELS = 127.5
_COLUMNS, _ROWS = 4, 5


@dataclass(frozen=True)
class Record:
    """A generator that was trained and rated.

    Parameters
    ----------
    name : str
        The contender.
    seed : int
        Of data, networks and batches.
    budget : float
        Seconds of the processor that were asked for, in which the steps are counted.
    modes : int
        How many of the 1,000 kinds of stack occur among the 26,000 that were rated.
    kl : float
        KL(shares of the kinds || equal shares), in nats.
    digit_like : float
        Share of the digits that are as near to a training digit as 95 % of real ones are.
    steps : int
        Of the generator.
    seconds : float
        Of the processor, for the training alone.
    judge_accuracy : float
        Of the classifier, on real digits that neither it nor a generator was trained on.
    note : str
        What went wrong, in words.
    """

    name: str
    seed: int
    budget: float
    modes: int
    kl: float
    digit_like: float
    steps: int
    seconds: float
    judge_accuracy: float
    note: str = ""

    @property
    def scores(self) -> dict[str, float]:
        """Numbers by name."""
        return {
            "modes": float(self.modes),
            "KL": self.kl,
            "digit-like": self.digit_like,
            "judge accuracy": self.judge_accuracy,
        }

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def read() -> list[Record]:
    """All records."""
    lines = STORE.read_text(encoding="utf-8").splitlines() if STORE.exists() else []
    return [Record(**json.loads(line)) for line in lines]


def add(record: Record) -> None:
    """Keep a record."""
    with STORE.open("a", encoding="utf-8") as file:
        file.write(record.to_json() + "\n")


def forget(names: Iterable[str]) -> None:
    """Drop the records of some contenders."""
    dropped = set(names)
    kept = [record.to_json() + "\n" for record in read() if record.name not in dropped]
    STORE.write_text("".join(kept), encoding="utf-8")


def add_stacks(record: Record, stacks: np.ndarray) -> None:
    """Keep some stacks for the picture, one byte for each pixel."""
    kept = _read_stacks()
    title = f"{record.name}, {record.budget:g} s" if record.budget else record.name
    kept[title] = ((stacks + 1) * _LEVELS).round().astype(np.uint8)
    np.savez_compressed(STACKS, **kept)


def _read_stacks() -> dict[str, np.ndarray]:
    if not STACKS.exists():
        return {}
    with np.load(STACKS) as archive:
        return dict(archive)


def table(records: Sequence[Record], names: Sequence[str]) -> str:
    """Means over seeds, with the smallest and the largest."""
    groups: dict[tuple[str, float], list[Record]] = {}
    for record in sorted(records, key=lambda each: (names.index(each.name), each.budget)):
        groups.setdefault((record.name, record.budget), []).append(record)
    rows = [[name, f"{budget:g}", *_cells(own)] for (name, budget), own in groups.items()]
    heads = ["contender", "budget", "seeds", f"modes of {KINDS:,}", "KL", "digit-like", "steps"]
    accuracy = f"Accuracy of the judge on held-out digits: {records[0].judge_accuracy:.2%}"
    return f"{text_table([*heads, 'CPU s'], rows, right=range(1, 8))}\n\n{accuracy}"


def _cells(own: Sequence[Record]) -> list[str]:
    modes, kl = [record.modes for record in own], [record.kl for record in own]
    return [
        str(len(own)),
        f"{np.mean(modes):.1f} ({min(modes)} to {max(modes)})",
        f"{np.mean(kl):.4f} ({min(kl):.4f} to {max(kl):.4f})",
        f"{np.mean([record.digit_like for record in own]):.1%}",
        f"{np.mean([record.steps for record in own]):,.0f}",
        f"{np.mean([record.seconds for record in own]):.1f}",
    ]


def draw() -> None:
    """Stacks of each contender, not chosen: their three channels side by side."""
    kept = _read_stacks()
    figure = Figure(figsize=(2.9 * len(kept), 2.1), layout="constrained")
    axes = figure.subplots(1, len(kept), squeeze=False)[0]
    for ax, (title, stacks) in zip(axes, kept.items(), strict=True):
        ax.imshow(_mosaic(stacks), cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
        ax.set_title(title, fontsize=9)
        ax.set_axis_off()
    figure.savefig(PICTURE, dpi=110)


def _mosaic(stacks: np.ndarray) -> np.ndarray:
    channels, side, _ = SHAPE
    sheet = np.full((_ROWS * (side + 2), _COLUMNS * (channels * side + 3)), 60, dtype=np.uint8)
    for place, each in enumerate(stacks[: _ROWS * _COLUMNS]):
        top, left = (place // _COLUMNS) * (side + 2), (place % _COLUMNS) * (channels * side + 3)
        sheet[top : top + side, left : left + channels * side] = np.concatenate(each, axis=1)
    return sheet
