"""Who is measured: our methods, by the public calls."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import divergences as dv
from tests.benchmarks.records import Outcome

Run = Callable[[np.ndarray, np.ndarray, int], dict[str, Outcome]]

RATIO_DEFINITIONS: dict[str, dv.Definition] = {
    "JS": dv.JensenShannon(),
    "KL": dv.KullbackLeibler(),
    "reverse KL": dv.ReverseKL(),
    "TV": dv.TotalVariation(),
    "H2": dv.SquaredHellinger(),
    "chi2": dv.ChiSquared(),
}
TRANSPORT_DEFINITIONS: dict[str, dv.Definition] = {
    "W1": dv.Wasserstein(1),
    "W2": dv.Wasserstein(2),
    "energy": dv.Energy(),
}


@dataclass(frozen=True)
class Contender:
    """A name in the tables, and what it answers to (x, y, seed).

    Parameters
    ----------
    name : str
        As tables have it.
    run : callable
        Samples (n, d), (m, d) and a seed to outcomes by divergence.
    needs : str
        The module without which it is skipped.
    ours : bool
        Whether it is a method of this package.
    """

    name: str
    run: Run
    needs: str = "divergences"
    ours: bool = False

    @property
    def installed(self) -> bool:
        """Whether its package is there."""
        return importlib.util.find_spec(self.needs) is not None


def ours(name: str, method: str | dv.Estimator, definitions: dict[str, dv.Definition]) -> Contender:
    """One of our methods, all divergences from one call."""

    def run(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Outcome]:
        wanted = list(definitions.values())
        found = dv.compare(x, y, divergences=wanted, method=method, rng=seed)
        named = dict(zip(definitions, found, strict=True))
        outcomes = {key: Outcome(float(each), *each.interval()) for key, each in named.items()}
        brackets = {
            f"{key} bracket": Outcome(float(each), *each.bracket)
            for key, each in named.items()
            if each.bracket is not None
        }
        return outcomes | brackets

    return Contender(name, run, ours=True)


OURS_RATIO = (
    ours("auto", "auto", RATIO_DEFINITIONS),
    ours("kde", dv.KDE(), RATIO_DEFINITIONS),
    ours("neighbors", dv.Neighbors(), RATIO_DEFINITIONS),
    ours("classifier logistic", dv.Classifier(), RATIO_DEFINITIONS),
    ours("classifier boosting", dv.Classifier("boosting"), RATIO_DEFINITIONS),
    ours("neural", dv.Neural(), RATIO_DEFINITIONS),
)
OURS_TRANSPORT = (
    ours("auto", "auto", TRANSPORT_DEFINITIONS),
    ours("exact", dv.ExactTransport(), {key: TRANSPORT_DEFINITIONS[key] for key in ("W1", "W2")}),
)
