"""The divergence of a generator to data that it was not trained on, cheaply and with its error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from divergences.checks import check_whole
from divergences.definitions import (
    Definition,
    Energy,
    JensenShannon,
    RatioDivergence,
    Wasserstein,
)
from divergences.errors import InvalidPairError
from divergences.estimate import Estimate
from divergences.estimators import (
    KDE,
    Classifier,
    DebiasedTransport,
    EntropicTransport,
    Estimator,
    estimate_samples,
    methods_for,
)
from divergences.measures import Pushforward, as_samples
from divergences.training.objective import Moment
from divergences.work import Run

_DENSITY_FEATURES = 5
_CLASSIFIER_FEATURES = 20
_TRANSPORT_POINTS = 500


@dataclass(frozen=True)
class Monitor:
    """What is measured on held-out data while training, how, and how often.

    Parameters
    ----------
    divergence : Definition or None
        None takes the divergence that is minimized; JS where no method estimates that, as for a
        pairing game, energy² for an f-divergence in more than 20 features, where a second would
        not do.
    method : Estimator or None
        None takes one that needs about a second for 1,000 points: kernel densities up to five
        features, a logistic regression beyond, debiased transport on 500 points.
    points : int
        Points of each side, at most.
    every : int or None
        Steps between measurements; None measures ten times. The end is always measured.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    Examples
    --------
    >>> Monitor(Energy(), points=500)
    Monitor(divergence=Energy(squared=False), method=None, points=500, every=None)
    """

    divergence: Definition | None = None
    method: Estimator | None = None
    points: int = 1000
    every: int | None = None

    def __post_init__(self) -> None:
        check_whole("points", self.points, at_least=20)
        if self.every is not None:
            check_whole("every", self.every)

    def measure(
        self,
        minimized: Definition,
        pushforward: Pushforward,
        data: torch.Tensor,
        now: Moment,
    ) -> Estimate:
        """Divergence of the data to as many points of the pushforward."""
        rng = np.random.default_rng([now.seed, now.step, 1])
        p = as_samples(data[: self.points].flatten(1), name="held_out")
        definition, method = self.chosen(minimized, p.d)
        size = p.n
        if isinstance(method, DebiasedTransport | EntropicTransport):
            size = min(size, _TRANSPORT_POINTS)
        with torch.no_grad():
            q = as_samples(pushforward.sample(size, rng), name="g")
        run = Run.create(rng, progress=False)
        return estimate_samples([definition], p.take(np.arange(size)), q, method, run)[0]

    def chosen(self, minimized: Definition, d: int) -> tuple[Definition, Estimator]:
        """What is measured of data of d features, and how."""
        definition = self.divergence or default_divergence(minimized, d)
        return definition, self.method or default_method(definition, d)

    def check(self, minimized: Definition, data: torch.Tensor, name: str, share: float) -> None:
        """Refuse an argument of which a share, the held-out data, is too little to measure on."""
        method = self.chosen(minimized, data[0].numel())[1]
        if isinstance(method, Estimator) and len(data) < method.minimum:
            raise ValueError(
                f"{name} must have at least {round(method.minimum / share)} points, so that "
                f"{method.minimum} are held out to measure on by {method.describe()}, but "
                f"{len(data)} are. Collect more{', pass held_out' if share < 1 else ''} or measure "
                f"otherwise, as with monitor=Monitor(Energy())."
            )


def default_divergence(minimized: Definition, d: int) -> Definition:
    """What can be measured cheaply for the divergence that is minimized."""
    if not methods_for(minimized):
        minimized = JensenShannon()
    if isinstance(minimized, RatioDivergence) and d > _CLASSIFIER_FEATURES:
        return Energy(squared=True)
    return minimized


def default_method(definition: Definition, d: int) -> Estimator:
    """A method of about a second for a thousand points."""
    if isinstance(definition, RatioDivergence):
        return KDE() if d <= _DENSITY_FEATURES else Classifier("logistic")
    if isinstance(definition, Wasserstein):
        return DebiasedTransport()
    methods = methods_for(definition)
    if not methods:
        raise InvalidPairError(
            f"No method estimates the {definition.title} ({definition.symbol}). Pass another, as "
            f"with monitor=Monitor(Energy())."
        )
    return methods[0]()
