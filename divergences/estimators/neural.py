"""The density ratio from critic networks, each point judged by networks that did not see it."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from divergences.checks import check_choice, check_device, check_real, check_whole
from divergences.definitions import JensenShannon, RatioDivergence
from divergences.errors import InvalidPairError
from divergences.estimate import Reading
from divergences.estimators.estimator import register
from divergences.estimators.neural_objectives import (
    DonskerVaradhan,
    FenchelDual,
    Objective,
    largest_log_ratio,
    objectives_for,
)
from divergences.estimators.ratios.cross_fitting import (
    MeanLogOdds,
    cross_fit,
    cross_fit_rate,
    fit_half,
)
from divergences.estimators.ratios.extrapolation import is_unbounded
from divergences.estimators.ratios.log_ratio import LogRatio
from divergences.estimators.ratios.ratio import (
    RatioEstimator,
    extrapolated_bias,
    fit_without_copies,
    independent_parts,
    read_ratio,
)
from divergences.estimators.ratios.ratio_notes import bias_notes, doubt_notes
from divergences.estimators.ratios.ratio_spread import resolution
from divergences.measures.samples import Samples
from divergences.numerals import two_digits
from divergences.work import Run

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


_OBJECTIVES = ("js", "conjugate", "donsker_varadhan", "nwj")

_WORSE_THAN_NONE = (
    "On points that they have not seen the critics are worse than none: the mean whose logarithm "
    "is to be taken is negative. The value is the bound of a constant critic, 0, and nothing is "
    'shown of how far the truth lies above it. objective="js" is steadier.'
)


@dataclass(frozen=True)
class Neural(RatioEstimator):
    r"""Log-ratio ln(p/q) from critic networks that maximize a lower bound of a divergence.

    The network gives l(x); its objective joins a mean over P and one over Q,

    - "js": ln 2 - E_P[ln(1 + e^-l)]/2 - E_Q[ln(1 + e^l)]/2, that of the first adversarial
      networks, from which every divergence is read;
    - "conjugate": E_P[T] - E_Q[phi*(T)] of the divergence asked for, with the output activation
      T = phi'(e^l), which keeps T in the domain of phi* (for the total variation, whose phi' has
      no slope, T = tanh(l/2)/2);
    - "donsker_varadhan": E_P[l] - ln E_Q[e^l], for KL, or its mirror image for the reverse KL;
    - "nwj": 1 + E_P[l] - E_Q[e^l], for KL, which is its conjugate form.

    Each is at most the divergence, so the value on points that the networks have not seen does
    not exceed the truth on average (but for the logarithm of a mean, see the notes). All but the
    first keep l where no point's own term exceeds a tenth of the number of points, so that none
    decides the mean; KL then stays below ln(N/10). Features are scaled by their quartiles and
    logarithmic beyond three standard deviations, so that neither units nor tails matter; constant
    ones are ignored. Each network stops when a fifth of its part, held out, no longer gains.

    Good for shapes that no fixed family has, in several dimensions and with many points. Fails
    to be as sharp as a classifier of the right family, and is slower. Divergences with
    exponentials (KL, chi², Rényi beyond order 1) are steadier from "js" than from their own
    objective.

    The value lies below the truth by what the critics lose on points that they have not seen. The
    interval reaches up by that loss as fits to fewer points show it, and further by what the mean
    critic shows on points that its parts have seen.

    Parameters
    ----------
    objective : {"js", "conjugate", "donsker_varadhan", "nwj"}
        What the networks maximize.
    network : "perceptron", Module or callable
        Two hidden layers of 64; or a torch module that maps (k, d) to (k, 1), copied for each
        fit and drawn anew where its layers have `reset_parameters`; or a function of d that
        makes one. It sees scaled features. Estimates pickle if the module does.
    folds : int
        Parts that each sample is split into, at least 2.
    restarts : int
        Networks for each fold, each with another held-out part; their outputs are averaged, which
        is at least as good as the average network and in trials better than the best.
    steps : int
        Most steps of one network.
    batch_size : int
        Points of a step; all where there are fewer.
    learning_rate, weight_decay : float
        Of AdamW.
    device : str
        Where to train: "auto" is CUDA where there is one, or any name that torch knows.
    second_opinion : bool
        Whether the interval reaches as far up as that of the default's quick critics, which take
        half a second to three.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    Nguyen, Wainwright and Jordan (2010); Goodfellow et al. (2014); Nowozin, Cseke and Tomioka
    (2016); Donsker and Varadhan (1983); Belghazi et al. (2018); Loshchilov and Hutter (2019).

    Examples
    --------
    >>> import numpy as np
    >>> import divergences as dv
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(0, 1, (300, 2)), rng.normal(1, 1, (300, 2))
    >>> est = dv.js_divergence(x, y, method=dv.Neural(folds=2, restarts=1), rng=0)
    >>> low, high = est.interval()
    >>> low < 0.2018 < high
    True
    """

    objective: str = "js"
    network: Any = "perceptron"
    folds: int = 5
    restarts: int = 3
    steps: int = 2000
    batch_size: int = 2048
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    device: str = "auto"
    second_opinion: bool = True
    shorthand: ClassVar[str] = "neural"
    minimum: ClassVar[int] = 4

    def __post_init__(self) -> None:
        check_choice("objective", self.objective, _OBJECTIVES)
        check_whole("folds", self.folds, at_least=2)
        for name in ("restarts", "steps", "batch_size"):
            check_whole(name, getattr(self, name))
        check_real("learning_rate", self.learning_rate, above=0)
        check_real("weight_decay", self.weight_decay, at_least=0)
        _check_network(self.network)
        if self.device != "auto":
            self.torch_device()

    def describe(self) -> str:
        """The objective and the folds."""
        names = {
            "js": "neural critic",
            "conjugate": "neural critic, conjugate objective",
            "donsker_varadhan": "neural critic, Donsker–Varadhan objective",
            "nwj": "neural critic, NWJ objective",
        }
        return f"{names[self.objective]}, {self.folds}-fold"

    @property
    def merges_copies(self) -> bool:
        """Networks take weights."""
        return True

    def torch_device(self) -> torch.device:
        """The device that is meant."""
        import torch

        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return check_device(self.device, '"auto" or ')

    def log_ratio(self, p: Samples, q: Samples, run: Run) -> LogRatio:
        """Fit in each fold's complement and judge the fold; the Jensen–Shannon objective only."""
        if self.objective != "js":
            raise InvalidPairError(
                f'objective must be "js" for a log-ratio that serves every divergence, not '
                f"{self.objective!r}."
            )
        return fit_critics(self, FenchelDual(JensenShannon()), math.inf, p, q, run)


@register(RatioDivergence, Neural)
def read_neural(
    definition: RatioDivergence, estimator: Neural, p: Samples, q: Samples, run: Run
) -> Reading:
    """Read every divergence from one fit, or the held-out value of the divergence's objective."""
    if estimator.objective == "js":
        found = fit_without_copies(estimator, estimator, estimator.log_ratio, p, q, run)
        return read_ratio(definition, *found)
    objective = _objective(definition, estimator.objective)
    limit = largest_log_ratio(objective, p.n + q.n)
    fit = partial(fit_critics, estimator, objective, limit)
    key = (estimator.objective, objective)
    return _read_objective(
        definition, objective, *fit_without_copies(key, estimator, fit, p, q, run)
    )


def fit_critics(
    estimator: Neural, objective: Objective, limit: float, p: Samples, q: Samples, run: Run
) -> LogRatio:
    """Cross-fit critics for one objective, and again on fewer points for the learning curve."""
    from divergences.estimators.neural_training import fit_networks

    fit = partial(fit_networks, estimator, objective, limit)

    def fits(folds: int, *, halved: bool = False) -> LogRatio:
        with warnings.catch_warnings():
            # A phi of the user's own warns of far points at every step; the reading does once.
            warnings.filterwarnings("ignore", message=".*the critic is held constant for")
            one = partial(fit_half, fit) if halved else fit
            return cross_fit(one, p, q, folds, run, f"{estimator.describe()} fits")

    found = fits(estimator.folds)
    # Two parts are the fewest, so that their twin is fitted to half of one. It rates no better.
    smaller = fits(2) if estimator.folds > 2 else replace(fits(2, halved=True), parts=None)
    return replace(
        found,
        smaller=smaller,
        rate=cross_fit_rate(estimator.folds),
        notes=(*_improvement(found, estimator), *found.notes),
        seen=(found.evaluate(p.points), found.evaluate(q.points)),
    )


def _improvement(found: LogRatio, estimator: Neural) -> tuple[str, ...]:
    assert isinstance(found.evaluate, MeanLogOdds)
    critics: Any = found.evaluate.models
    unfinished = sum(critic.unfinished for critic in critics)
    total = len(critics) * estimator.restarts
    if not unfinished:
        return ("No critic was still improving when it stopped.",)
    return (
        f"{unfinished} of {total} critics were still improving after {estimator.steps} steps: "
        f"raise steps or learning_rate.",
    )


def _read_objective(
    definition: RatioDivergence, objective: Objective, ratio: LogRatio, p: Samples, q: Samples
) -> Reading:
    inner, stderr, curvature = _value(objective, ratio.at_p, ratio.at_q, p, q)
    notes = [*ratio.notes, _direction(curvature)]
    assert ratio.smaller is not None
    assert ratio.seen is not None
    smaller, shown = (
        _value(objective, at_p, at_q, p, q)[0]
        for at_p, at_q in ((ratio.smaller.at_p, ratio.smaller.at_q), ratio.seen)
    )
    bias = extrapolated_bias(inner, smaller, ratio.rate)
    doubt = (0.0, max(0.0, shown - inner))
    if not isinstance(objective, DonskerVaradhan):
        # What has not seen a point claims, on average, no more than there is.
        bias = min(bias, 0.0)
    if definition.outer(inner) == -math.inf:
        # The supremum is over all critics, also that which says nothing.
        inner, bias = 0.0, -math.inf
        notes.append(_WORSE_THAN_NONE)
    elif is_unbounded(definition, ratio.out_of_reach):
        bias = -math.inf
    notes += (*bias_notes(definition, inner, bias), *doubt_notes(doubt, stderr))
    fresh = independent_parts(definition, ratio, p, q)
    stderr = max(stderr, resolution(p, q))
    return Reading(inner, stderr, bias, tuple(notes), ratio.evaluate, fresh=fresh, doubt=doubt)


def _value(
    objective: Objective,
    ratio_p: NDArray[np.float64],
    ratio_q: NDArray[np.float64],
    p: Samples,
    q: Samples,
) -> tuple[float, float, float]:
    """Value of log-ratios at the samples, its standard error, and how far the logarithm of a mean
    raises it on average."""
    at_p, at_q = objective.terms(ratio_p, ratio_q)
    means = p.mean(at_p), q.mean(at_q)
    slopes = objective.slopes(*means)
    variances = (p.variance_of_mean(slopes[0] * at_p), q.variance_of_mean(slopes[1] * at_q))
    value = float(objective.join(*map(np.asarray, means)))
    curvature = 0.0
    if isinstance(objective, DonskerVaradhan):
        curvature = variances[0 if objective.mirrored else 1] / 2
    return value, math.sqrt(sum(variances)), curvature


def _direction(curvature: float) -> str:
    words = "A lower bound on average, as no point is judged by a critic that has seen it"
    if curvature > 0:
        words += f"; the logarithm of a mean raises it by about {two_digits(curvature)}"
    return f"{words}."


def _objective(definition: RatioDivergence, name: str) -> Objective:
    valid = objectives_for(definition)
    if name not in valid:
        names = ", ".join(f'"{one}"' for one in ("js", *valid))
        raise InvalidPairError(
            f'Neural(objective="{name}") does not bound the {definition.title} '
            f"({definition.symbol}). Valid objectives: {names}."
        )
    objective = valid[name]
    if isinstance(objective, FenchelDual):
        _check_slope(objective, definition)
    return objective


def _check_slope(objective: FenchelDual, definition: RatioDivergence) -> None:
    """Refuse a phi of the user's own that torch cannot climb."""
    import torch

    try:
        with torch.enable_grad():
            log_ratio = torch.linspace(-2.0, 2.0, 8, requires_grad=True)
            at_p, at_q = objective.terms(log_ratio, log_ratio)
            (slope,) = torch.autograd.grad((at_p - at_q).sum(), log_ratio)
        rises = bool(torch.isfinite(slope).all() and (slope.abs() > 1e-6).any())
    except Exception as error:
        raise ValueError(
            f'objective="conjugate" needs the phi and derivative of {definition.symbol} to accept '
            f'torch tensors; they raised {error!r}. Use objective="js".'
        ) from error
    if not rises:
        raise ValueError(
            f'objective="conjugate" needs a derivative of phi that changes with the ratio, which '
            f"that of {definition.symbol} does not, so that nothing can be climbed. Use "
            f'objective="js".'
        )


def _check_network(network: Any) -> None:
    if isinstance(network, str):
        check_choice("network", network, ("perceptron",))
    elif not callable(network):
        raise TypeError(
            f'network must be "perceptron", a torch.nn.Module or a function that makes one from '
            f"the number of features, not {network!r}."
        )
    elif isinstance(network, type):
        raise TypeError(
            f"network must be an object or a function of the number of features, not the class "
            f"{network.__name__}. Use network=lambda d: {network.__name__}(d, 1), say."
        )
