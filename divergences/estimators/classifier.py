"""The density ratio from a classifier that tells P from Q, every point judged out of fold."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from divergences.checks import check_choice, check_whole
from divergences.estimate import Critic
from divergences.estimators.critics.boosted_trees import fit_boosted_trees
from divergences.estimators.quadratic_logistic import fit_quadratic_logistic
from divergences.estimators.ratios.cross_fitting import (
    MeanLogOdds,
    TrainingPart,
    cross_fit,
    cross_fit_rate,
)
from divergences.estimators.ratios.indicators import Expanded, OnExpanded
from divergences.estimators.ratios.log_ratio import LogRatio
from divergences.estimators.ratios.ratio import RatioEstimator
from divergences.estimators.ratios.shrunk_odds import fit_shrunk, shrinkage
from divergences.measures.arrays import listed
from divergences.measures.samples import Samples
from divergences.work import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KINDS = ("logistic", "boosting")
_OVERCONFIDENT = 10.0


@dataclass(frozen=True)
class Classifier(RatioEstimator):
    r"""Log-ratio ln(p/q) from the log-odds of a probabilistic classifier, cross-fitted.

    A classifier that gives x the probability eta(x) of coming from P, at equal prior odds, has
    ln p/q = ln(eta/(1 - eta)). Each point is judged by a fit that did not see it, so that for
    divergences with a variational form the value does not exceed the truth on average.

    Good in many dimensions, where densities cannot be had. Fails to see what the classifier
    cannot express ("logistic" sees means, variances and, up to 15 features, covariances), and
    its log-odds may be overconfident far out, which KL and chi² feel first. The log-odds of a
    classifier of your own are judged within each training part, at three more fits, and shrunk
    by Platt's sigmoid where they are clearly overconfident, as those of neighbors, trees and
    forests are. What such noise hides cannot be seen; the interval reaches up by as much as
    true log-ratios with noise of that size would lose.

    Parameters
    ----------
    estimator : {"logistic", "boosting"} or scikit-learn classifier
        "logistic" is penalized logistic regression on linear and quadratic terms, the penalty
        and the terms chosen within each fold; "boosting" is scikit-learn's histogram gradient
        boosting, additive or not, stopped early, which follows any shape but by steps: of a
        smooth difference it loses a tenth at 2,000 points. It reads missing values, kept by
        ``nan_policy="keep"``, as some classifiers of scikit-learn do. A classifier with
        `predict_proba` is used as it is; one with `decision_function` only is calibrated within
        the fold by Platt's sigmoid. Categorical columns of data frames are split by "boosting"
        as such; others are given a column of zeros and ones for each level, after the numeric
        ones, unless they have `categorical_features` set: to those each level is a whole number.
    folds : int
        Parts that each sample is split into, at least 2.
    second_opinion : bool
        Whether the interval reaches as far up as that of the default's quick critics, which take
        half a second to three.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    Sugiyama, Suzuki and Kanamori (2012); Platt (1999); Menon and Ong (2016).

    Examples
    --------
    >>> import numpy as np
    >>> import divergences as dv
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(0, 1, (500, 5)), rng.normal(0.5, 1, (500, 5))
    >>> est = dv.js_divergence(x, y, method=dv.Classifier(folds=3), rng=0)
    >>> low, high = est.interval()
    >>> low < 0.136 < high
    True
    """

    estimator: Any = "logistic"
    folds: int = 5
    second_opinion: bool = True
    shorthand: ClassVar[str] = "classifier"
    minimum: ClassVar[int] = 4
    reads_categories: ClassVar[bool] = True
    with_missing: ClassVar[str] = 'Classifier("boosting")'

    def __post_init__(self) -> None:
        check_whole("folds", self.folds, at_least=2)
        if isinstance(self.estimator, str):
            check_choice("estimator", self.estimator, _KINDS)
        else:
            _check_classifier(self.estimator)

    @property
    def accepts_missing(self) -> bool:
        """Whether the classifier reads NaN, as boosted trees do, each as a branch of its own."""
        if isinstance(self.estimator, str):
            return self.estimator == "boosting"
        return _reads_missing(self.estimator)

    def describe(self) -> str:
        """The classifier in words."""
        names = {"logistic": "logistic regression", "boosting": "boosted trees"}
        kind = self.estimator
        name = names[kind] if isinstance(kind, str) else _name(kind)
        return f"{name}, {self.folds}-fold"

    @property
    def merges_copies(self) -> bool:
        """Whether the classifier takes weights."""
        return isinstance(self.estimator, str) or _weight_argument(self.estimator) is not None

    def log_ratio(self, p: Samples, q: Samples, run: Run) -> LogRatio:
        """Fit in each fold's complement and judge the fold."""
        if not p.categorical or _reads_codes(self.estimator):
            return self._log_ratio(p, q, run)
        expand = Expanded.of(p, q)
        as_numbers = [
            replace(s, points=expand(s.points), columns=None, levels=None) for s in (p, q)
        ]
        found = self._log_ratio(as_numbers[0], as_numbers[1], run)
        return replace(found, evaluate=OnExpanded(expand, found.evaluate))

    def _log_ratio(self, p: Samples, q: Samples, run: Run) -> LogRatio:
        if p.weights is not None or q.weights is not None:
            _check_takes_weights(self.estimator)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = self._cross_fit(p, q, self.folds, run)
            smaller = self._cross_fit(p, q, 2, run) if self.folds > 2 else None
        assert isinstance(found.evaluate, MeanLogOdds)
        shrunk_to, shrunk = shrinkage(found.evaluate.models)
        notes = (
            *found.notes,
            *shrunk,
            *_overconfidence(p, q, found),
            *_warnings_in_words(caught),
        )
        return replace(
            found,
            smaller=smaller,
            rate=cross_fit_rate(self.folds),
            notes=notes,
            shrunk_to=shrunk_to,
        )

    def _cross_fit(self, p: Samples, q: Samples, folds: int, run: Run) -> LogRatio:
        fit = partial(_fit, _by_position(self.estimator, p.columns))
        if hasattr(self.estimator, "predict_proba"):
            # All others choose their strength on held-out points, or are calibrated by them.
            fit = partial(fit_shrunk, fit)
        return cross_fit(fit, p, q, folds, run, f"{self.describe()} fits")


@dataclass(frozen=True, eq=False)
class FittedClassifier:
    """Log-odds of a fitted scikit-learn classifier, at equal prior odds.

    Parameters
    ----------
    model : classifier
    prior : float
        Log-odds of P in the data it was fitted to.
    direct : bool
        Whether its `decision_function` is the log-odds.
    """

    model: Any
    prior: float
    direct: bool

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate at (k, d) points; infinite where a probability is exactly 0 or 1."""
        if self.direct:
            return np.asarray(self.model.decision_function(points), dtype=np.float64) - self.prior
        chances = np.asarray(self.model.predict_proba(points), dtype=np.float64)
        with np.errstate(divide="ignore"):
            return np.log(chances[:, 1]) - np.log(chances[:, 0]) - self.prior


def _fit(estimator: Any, part: TrainingPart) -> Critic:
    points, labels, weights = part.points, part.labels, part.weights
    if isinstance(estimator, str) and estimator == "logistic":
        return fit_quadratic_logistic(points, labels, weights, np.random.default_rng(part.seed))
    if isinstance(estimator, str):
        trees = fit_boosted_trees(points, labels, weights, part.seed, part.level_counts)
        return FittedClassifier(trees, 0.0, True)
    model = _prepared(estimator)
    _set_seeds(model, part.seed)
    argument = _weight_argument(estimator)
    if argument is not None:
        return FittedClassifier(model.fit(points, labels, **{argument: weights}), 0.0, False)
    prior = math.log((labels == 1).sum() / (labels == 0).sum())
    return FittedClassifier(model.fit(points, labels), prior, False)


def _prepared(estimator: Any) -> Any:
    from sklearn.base import clone
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.model_selection import StratifiedKFold

    model = clone(estimator)
    if hasattr(model, "predict_proba"):
        return model
    return CalibratedClassifierCV(model, cv=StratifiedKFold(3, shuffle=True), ensemble=False)


def _set_seeds(model: Any, seed: int) -> None:
    settings = model.get_params(deep=True)
    unset = [
        key
        for key, value in settings.items()
        if key.split("__")[-1] == "random_state" and value is None
    ]
    model.set_params(**dict.fromkeys(unset, seed))
    splitter = settings.get("cv")
    if hasattr(splitter, "random_state") and splitter.random_state is None:
        splitter.random_state = seed


def _weight_argument(estimator: Any) -> str | None:
    """What `fit` calls weights, of a pipeline those of its last step; None if it takes none."""
    from sklearn.utils.validation import has_fit_parameter

    if has_fit_parameter(estimator, "sample_weight"):
        return "sample_weight"
    # Platt's calibration of a pipeline without probabilities hands no weights on.
    if not (hasattr(estimator, "steps") and hasattr(estimator, "predict_proba")):
        return None
    name, last = estimator.steps[-1]
    return f"{name}__sample_weight" if has_fit_parameter(last, "sample_weight") else None


def _reads_missing(estimator: Any) -> bool:
    try:
        from sklearn.utils import get_tags
    except ImportError:  # before scikit-learn 1.6
        return bool(estimator._get_tags()["allow_nan"])
    return bool(get_tags(estimator).input_tags.allow_nan)


def _reads_codes(estimator: Any) -> bool:
    if isinstance(estimator, str):
        return estimator == "boosting"
    # None or "from_dtype" finds no categories in an array.
    chosen = getattr(estimator, "categorical_features", None)
    return chosen is not None and not isinstance(chosen, str)


def _by_position(estimator: Any, columns: tuple[str, ...] | None) -> Any:
    """The classifier with categorical features by position, as it is fitted to an array."""
    if isinstance(estimator, str) or not _reads_codes(estimator):
        return estimator
    chosen = list(estimator.categorical_features)
    named = [name for name in chosen if isinstance(name, str)]
    if not named:
        return estimator
    known = list(columns or ())
    unknown = [name for name in named if name not in known]
    if unknown:
        raise ValueError(
            f"estimator must have categorical_features among the columns of p and q, but "
            f"{listed(unknown)} is not one of {known}. Give the positions of the columns."
        )
    from sklearn.base import clone

    positions = [known.index(name) if isinstance(name, str) else name for name in chosen]
    return clone(estimator).set_params(categorical_features=positions)


def _check_takes_weights(estimator: Any) -> None:
    if not isinstance(estimator, str) and _weight_argument(estimator) is None:
        raise ValueError(
            f"weights_p and weights_q must be left out for {_name(estimator)}, whose fit takes no "
            f'sample_weight. Use Classifier("logistic") or Classifier("boosting").'
        )


def _check_classifier(estimator: Any) -> None:
    if isinstance(estimator, type):
        raise TypeError(
            f"estimator must be an object, not the class {estimator.__name__}. Use "
            f"{estimator.__name__}()."
        )
    methods = ("fit", "get_params")
    if all(hasattr(estimator, method) for method in methods) and (
        hasattr(estimator, "predict_proba") or hasattr(estimator, "decision_function")
    ):
        return
    raise TypeError(
        f'estimator must be "logistic", "boosting" or a scikit-learn classifier with '
        f"predict_proba or decision_function, not {estimator!r}."
    )


def _name(estimator: Any) -> str:
    return type(estimator).__name__


def _overconfidence(p: Samples, q: Samples, found: LogRatio) -> tuple[str, ...]:
    # The true ratio has mean 1, so by Markov's inequality its sample mean reaches 10 in at most
    # one of ten samples, and far fewer unless its tail is heavy.
    with np.errstate(over="ignore"):
        means = (q.mean(np.exp(found.at_q)), p.mean(np.exp(-found.at_p)))
    sides = [
        f"the mean of {ratio} over {over} is {mean:.2g}"
        for ratio, over, mean in zip(("p/q", "q/p"), "qp", means, strict=True)
        if mean > _OVERCONFIDENT
    ]
    if not sides:
        return ()
    return (
        f"The classifier is overconfident: {' and '.join(sides)} where 1 is right. KL, chi² and "
        f"Rényi read from it can be far too high; JS and TV suffer least.",
    )


def _warnings_in_words(caught: list[warnings.WarningMessage]) -> tuple[str, ...]:
    unfinished = [one for one in caught if one.category.__name__ == "ConvergenceWarning"]
    others = Counter(
        f"{one.category.__name__}: {str(one.message).splitlines()[0]}"
        for one in caught
        if one.category.__name__ != "ConvergenceWarning"
    )
    notes = [f"The classifier warned {count} times: {text}" for text, count in others.items()]
    if unfinished:
        notes.insert(
            0,
            f"The classifier stopped before it had converged {len(unfinished)} times. "
            f"Scale the features or raise its max_iter.",
        )
    return tuple(notes)
