"""Real data sets compared by every divergence: what `python -m divergences demo` shows."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from divergences.definitions import Wasserstein
from divergences.demo_training import generator
from divergences.estimation import CATALOGUE, compare
from divergences.measures.samples import Samples, as_samples
from divergences.report import Comparison, plot_densities, save_figure
from divergences.report.colors import critic_colormap, new_figure
from divergences.report.layout import paragraphs, text_table
from divergences.report.words import verdict
from divergences.views import (
    compare_features,
    most_different_features,
    plot_critic_map,
    standardized,
)
from divergences.work import single_threaded

if TYPE_CHECKING:
    from numpy.typing import NDArray

_QUICK_FEATURES = 4
_QUICK_POINTS = 80


@dataclass(frozen=True, eq=False)
class Stage:
    """What every section of the demo shares: where to write, and how much to do.

    Parameters
    ----------
    output : Path
        Folder of the figures.
    seed : int
        Seed of every random choice.
    quick : bool
        Whether to use fewer points and features.
    figures : list of (Path, str)
        Figures written so far, each with what it shows.
    """

    output: Path
    seed: int
    quick: bool
    figures: list[tuple[Path, str]] = field(default_factory=list)

    def title(self, text: str) -> None:
        """Start a section."""
        print(f"\n{text}\n{'=' * len(text)}", flush=True)

    def say(self, text: str) -> None:
        """Print a paragraph, wrapped."""
        print(paragraphs([text], bullet=""), flush=True)

    def show(self, result: Comparison) -> None:
        """Print a table, and how many rows see a difference."""
        seen = sum(_differs(estimate) for estimate in result)
        print(result)
        self.say(f"In short: {seen} of {len(result)} divergences see a difference.")

    def progress(self, text: str) -> None:
        """Tell whoever waits what is being done."""
        print(f"  ... {text}", file=sys.stderr, flush=True)

    def save(self, axes: Any, name: str, caption: str) -> None:
        """Write a figure."""
        self.figures.append((save_figure(axes, self.output / name), caption))

    def shortened(self, sample: Samples) -> Samples:
        """The sample, or in a quick demo a part of its points and features."""
        if not self.quick:
            return sample
        columns = None if sample.columns is None else sample.columns[:_QUICK_FEATURES]
        points = sample.points[:_QUICK_POINTS, :_QUICK_FEATURES]
        return as_samples(Samples(points, columns=columns))


def run_demo(output: Path, *, seed: int = 0, quick: bool = False) -> None:
    """Print the tables and write the figures.

    Parameters
    ----------
    output : Path
        Folder for the figures, made if missing.
    seed : int
        Seed of every random choice.
    quick : bool
        Whether to use fewer points and features.

    Raises
    ------
    OSError
        If the folder cannot be made or written to.
    """
    start = time.perf_counter()
    if output.exists() and not output.is_dir():
        raise NotADirectoryError(f"--output: {output} is a file. Name a folder.")
    output.mkdir(parents=True, exist_ok=True)
    stage = Stage(output, seed, quick)
    print("How far apart are two samples? Every divergence of the catalogue, on real data.")
    with single_threaded():
        for section in SECTIONS:
            section(stage)
    stage.title("Figures")
    print(
        text_table(
            ["file", "what it shows"],
            [(str(path), caption) for path, caption in stage.figures],
            flexible=[1],
        )
    )
    print(f"\nDone in {time.perf_counter() - start:.0f} seconds.")


def explain(stage: Stage) -> None:
    """Say what the divergences are, before the first table."""
    stage.title("What is measured")
    symbols: dict[tuple[str, str], list[str]] = {}
    for definition in CATALOGUE:
        key = (definition.title, _opening(definition))
        symbols.setdefault(key, []).append(definition.symbol)
    rows = [(", ".join(names), *key) for key, names in symbols.items()]
    print(text_table(["symbol", "divergence", "formula and range"], rows, flexible=[2]))
    stage.say(
        "0 means that P and Q are the same. The value is what the method found in the samples; "
        "± is its standard error, and the 95 % interval also reaches as far as the method's known "
        "bias."
    )


def tumors_by_feature(stage: Stage) -> None:
    """Malignant against benign tumors, one feature at a time."""
    p, q = (stage.shortened(sample) for sample in load_tumors())
    stage.title("Malignant (P) against benign (Q) tumors, feature by feature")
    stage.say(
        f"{p.n} and {q.n} tumors, {p.d} features measured on images of their cells (breast cancer "
        f"data of Wolberg, Street and Mangasarian, shipped with scikit-learn). Jensen–Shannon "
        f"divergence (JS), the largest first: 0 for equal distributions, ln 2 = 0.693 nats for "
        f"distributions that do not overlap."
    )
    stage.progress(f"Jensen–Shannon divergence of {p.d} features")
    each = compare_features(p, q, rng=stage.seed)
    print(each.sorted())
    stage.progress("figures of the features")
    names = ("malignant", "benign")
    stage.save(
        plot_densities(p, q, estimates=each.estimates, names=names),
        "tumors-features.png",
        "both densities of every feature, with JS ± standard error",
    )
    pair = most_different_features(each, p, q)
    stage.save(
        plot_critic_map(p, q, pair, names=names, rng=stage.seed),
        "tumors-map.png",
        "where malignant and benign tumors differ, in the two most telling features",
    )


def tumors_jointly(stage: Stage) -> None:
    """Malignant against benign tumors, all features together."""
    p, q = standardized(*(stage.shortened(sample) for sample in load_tumors()))
    stage.title(f"Malignant (P) against benign (Q) tumors, all {p.d} features jointly")
    stage.say(
        "Every feature was divided by its standard deviation first: transport and kernel "
        "divergences add up distances, so the features need a common unit."
    )
    stage.progress("the whole catalogue on the tumors")
    joint = compare(p, q, rng=stage.seed)
    stage.show(joint)
    axes = joint.plot()
    axes.set_title(f"Malignant against benign tumors, {p.d} features jointly")
    stage.save(axes, "tumors-divergences.png", "every divergence of the tumors with its interval")


def digits(stage: Stage) -> None:
    """Handwritten threes against eights."""
    p, q = (stage.shortened(sample) for sample in load_digits_of(3, 8))
    stage.title(f"Handwritten digits: threes (P) against eights (Q), {p.d} pixels jointly")
    stage.say(
        f"{p.n} and {q.n} images of 8 x 8 pixels (digits data of Alpaydin and Kaynak, shipped with "
        f"scikit-learn). All pixels have one unit, gray levels from 0 to 16, so they were not "
        f"standardized."
    )
    stage.progress("the whole catalogue on the digits")
    stage.show(compare(p, q, rng=stage.seed))
    stage.progress("figures of the digits")
    names = ("threes", "eights")
    stage.save(
        plot_critic_map(p, q, names=names, rng=stage.seed),
        "digits-map.png",
        "where threes and eights differ, in the plane of the first two principal components",
    )
    if not stage.quick:
        each = compare_features(p, q, Wasserstein(1), rng=stage.seed)
        stage.save(
            plot_pixels(p, q, each, names),
            "digits-pixels.png",
            "mean images, and the Wasserstein distance of every pixel",
        )


def halves(stage: Stage) -> None:
    """A random half of one class against the other half: nothing to be seen."""
    _, benign = load_tumors()
    rows = np.random.default_rng(stage.seed).permutation(benign.n)
    p, q = (stage.shortened(benign.take(np.sort(part))) for part in np.array_split(rows, 2))
    stage.title("Benign tumors: a random half (P) against the other half (Q)")
    stage.say(
        "Both halves come from one distribution, so the truth is 0 for every divergence, and "
        "each should say that no difference is seen."
    )
    stage.progress("features of the two halves")
    each = compare_features(p, q, rng=stage.seed)
    seen = [name for name, e in zip(each.labels, each, strict=True) if _differs(e)]
    stage.say(
        f"One feature at a time: JS sees a difference in {len(seen)} of {p.d} features"
        + (f" ({', '.join(seen)})" if seen else "")
        + f". With 95 % intervals, about {0.05 * p.d:.0f} false alarms in {p.d} are no surprise."
    )
    stage.progress("the whole catalogue on the two halves")
    print(f"\nAll {p.d} features jointly, standardized:")
    stage.show(compare(*standardized(p, q), rng=stage.seed))
    names = ("one half", "other half")
    pair = most_different_features(each, p, q)
    stage.save(
        plot_critic_map(p, q, pair, names=names, rng=stage.seed),
        "halves-map.png",
        "two halves of one class: a map of differences that are only noise",
    )


SECTIONS: list[Callable[[Stage], None]] = [
    explain,
    tumors_by_feature,
    tumors_jointly,
    digits,
    halves,
    generator,
]


def load_tumors() -> tuple[Samples, Samples]:
    """Malignant and benign tumors, 30 features each."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    columns = tuple(map(str, data.feature_names))
    malignant, benign = (
        as_samples(Samples(data.data[data.target == label], columns=columns)) for label in (0, 1)
    )
    return malignant, benign


def load_digits_of(first: int, second: int) -> tuple[Samples, Samples]:
    """Images of two digits, 64 gray levels from 0 to 16 each."""
    from sklearn.datasets import load_digits

    data = load_digits()
    columns = tuple(f"pixel {row},{column}" for row in range(8) for column in range(8))
    one, other = (
        as_samples(Samples(data.data[data.target == digit], columns=columns))
        for digit in (first, second)
    )
    return one, other


def plot_pixels(p: Samples, q: Samples, each: Comparison, names: tuple[str, str]) -> Any:
    """Draw the mean images and, in color, how far apart each pixel's distributions are.

    Parameters
    ----------
    p, q : Samples
        Images of 64 pixels.
    each : Comparison
        One estimate per pixel.
    names : pair of str
        What to call P and Q.

    Returns
    -------
    ndarray of matplotlib Axes
    """
    means = [sample.points.mean(axis=0).reshape(8, 8) for sample in (p, q)]
    values = np.array([estimate.value for estimate in each]).reshape(8, 8)
    signed: NDArray[np.float64] = np.sign(means[0] - means[1]) * values
    axes = new_figure(10, 3.4).subplots(1, 3)
    for ax, mean, name in zip(axes, means, names, strict=False):
        image = ax.imshow(mean, cmap="gray_r", vmin=0, vmax=16)
        ax.set_title(f"mean of {name}")
    axes[0].figure.colorbar(image, ax=axes[:2], label="gray level", shrink=0.8)
    limit = float(np.abs(signed).max())
    image = axes[2].imshow(signed, cmap=critic_colormap(), vmin=-limit, vmax=limit)
    symbol = each[0].definition.symbol
    axes[2].set_title("Wasserstein distance per pixel")
    label = f"{symbol}, gray levels\n{names[1]} darker  ←  0  →  {names[0]} darker"
    axes[2].figure.colorbar(image, ax=axes[2], label=label, shrink=0.8)
    for ax in axes:
        ax.set_xticks([])
        ax.set_yticks([])
    return axes


def _differs(estimate: Any) -> bool:
    return verdict(estimate).startswith("differs")


def _opening(definition: Any) -> str:
    first = (type(definition).__doc__ or "").strip().split("\n\n")[0]
    return " ".join(first.replace("``", "").split()).rstrip(".")
