"""The contract of a method, and the table of the pairs (definition, method) that are valid."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from divergences.checks import check_batches, check_rng
from divergences.definitions import Definition, RatioDivergence
from divergences.errors import InvalidPairError
from divergences.estimate import Circumstances, Estimate, Reading
from divergences.measures.arrays import listed
from divergences.measures.samples import Samples
from divergences.work import Run

if TYPE_CHECKING:
    import torch

KEPT_FOR_PICTURES = 1_000
_BY_CHANCE = 2.0
_ROUNDING = 1e-9

# How users see the methods listed, and the first with a loss is what "auto" trains by. What is
# not here comes behind, as it was registered.
_ORDER = (
    "classifier", "kde", "stacked", "neighbors", "neural",
    "exact", "debiased", "critic", "sliced", "sinkhorn", "pairwise",
)  # fmt: skip
_SHORTHANDS: dict[str, type[Estimator]] = {}


class Estimator(ABC):
    """How a divergence is found: a frozen dataclass whose fields are the method's settings.

    Laws, for every definition that the method is registered with: permuting the rows of a
    sample changes nothing beyond rounding (for methods without randomness); the same `rng`
    gives the same answer for any number of workers; the caller's data are untouched.
    """

    shorthand: ClassVar[str]
    """The string that users may pass as `method=`."""

    minimum: ClassVar[int] = 2
    """Fewest points of each sample that the method accepts."""

    with_missing: ClassVar[str] = ""
    """The settings that read missing values (NaN), as a user writes them; empty if none do."""

    reads_categories: ClassVar[bool] = False
    """Whether the method reads categorical columns."""

    @property
    def accepts_missing(self) -> bool:
        """Whether the method reads missing values with its present settings."""
        return False

    def __init_subclass__(cls) -> None:
        """Remember the shorthand, also of a method that only a base class is registered for."""
        if "shorthand" in cls.__dict__:
            _SHORTHANDS[cls.shorthand] = cls

    @classmethod
    def serves(cls, definition: Definition) -> bool:
        """Whether the method is for this definition, of a kind that it is registered for."""
        return True

    @abstractmethod
    def describe(self) -> str:
        """The method in a few words, for the result's repr."""


@dataclass(frozen=True)
class Auto:
    """Let the package choose the method by the divergence, the number of points and features.

    `method="auto"` is the same; the result's `method` and repr say what was chosen.
    """


def is_auto(method: Any) -> bool:
    """Whether the choice of the method is left to the package."""
    return method == "auto" or isinstance(method, Auto)


Method = Callable[[Any, Any, Samples, Samples, Run], Reading]
Loss = Callable[[Any, Any, "torch.Tensor", "torch.Tensor", Run], "torch.Tensor"]
Chooser = Callable[[Any, Samples, Samples], Estimator]
Review = Callable[[Any, Any, Reading, Samples, Samples, Run], Reading]
Function = TypeVar("Function", bound=Callable[..., Any])

_METHODS: dict[tuple[type[Definition], type[Estimator]], Method] = {}
_LOSSES: dict[tuple[type[Definition], type[Estimator]], Loss] = {}
_CHOOSERS: dict[type[Definition], Chooser] = {}
_REVIEWS: dict[type[Definition], Review] = {}


def register(
    definition: type[Definition], estimator: type[Estimator]
) -> Callable[[Function], Function]:
    """Register the function that estimates a kind of divergence by a kind of method.

    The function takes (definition, estimator, p, q, run) and returns a `Reading`. The pair that
    is nearest in both class hierarchies wins, the definition's first, so that a better formula
    for one divergence takes the place of the generic path.
    """

    def enter(function: Function) -> Function:
        _METHODS[definition, estimator] = function
        return function

    return enter


def register_loss(
    definition: type[Definition], estimator: type[Estimator]
) -> Callable[[Function], Function]:
    """Register the differentiable twin of a method.

    The function takes (definition, estimator, x, y, run), x and y tensors of shape (n, d) and
    (m, d), and returns the 0-d tensor before the definition's outer function.
    """

    def enter(function: Function) -> Function:
        _LOSSES[definition, estimator] = function
        return function

    return enter


def register_default(definition: type[Definition]) -> Callable[[Function], Function]:
    """Register the function (definition, p, q) -> Estimator behind `method="auto"`."""

    def enter(function: Function) -> Function:
        _CHOOSERS[definition] = function
        return function

    return enter


def register_review(definition: type[Definition]) -> Callable[[Function], Function]:
    """Register the function (definition, estimator, reading, p, q, run) that amends a reading."""

    def enter(function: Function) -> Function:
        _REVIEWS[definition] = function
        return function

    return enter


def methods_for(definition: Definition | type[Definition]) -> list[type[Estimator]]:
    """Methods that can estimate a divergence, or some of a kind."""
    return _listed(_METHODS, definition)


def losses_for(definition: Definition | type[Definition]) -> list[type[Estimator]]:
    """Methods that have a differentiable form for a divergence, or for some of a kind."""
    return _listed(_LOSSES, definition)


def _listed(table: Any, definition: Definition | type[Definition]) -> list[type[Estimator]]:
    methods = dict.fromkeys(_SHORTHANDS[name] for name in sorted(_SHORTHANDS, key=_place))
    if isinstance(definition, type):
        return [method for method in methods if _lookup(table, definition, method) is not None]
    return [method for method in methods if _is_valid(table, definition, method)]


def _place(shorthand: str) -> int:
    return _ORDER.index(shorthand) if shorthand in _ORDER else len(_ORDER)


def _is_valid(table: Any, definition: Definition, method: type[Estimator]) -> bool:
    return _lookup(table, type(definition), method) is not None and method.serves(definition)


def _lookup(table: dict[Any, Any], definition: type, estimator: type) -> Any:
    for definition_type in definition.__mro__:
        for estimator_type in estimator.__mro__:
            if (definition_type, estimator_type) in table:
                return table[definition_type, estimator_type]
    return None


def resolve(definition: Definition, method: Any, p: Samples, q: Samples) -> tuple[Estimator, bool]:
    """Return the estimator that `method` names, and whether it was chosen automatically."""
    automatic = is_auto(method)
    if automatic:
        estimator = _chosen(definition, p, q)
    else:
        estimator = _named(definition, method, methods_for(definition), _METHODS)
    _check_missing(definition, estimator, p, q)
    _check_categories(definition, estimator, p)
    return estimator, automatic


def _chosen(definition: Definition, p: Samples, q: Samples) -> Estimator:
    for kind in type(definition).__mro__:
        if kind in _CHOOSERS:
            return _CHOOSERS[kind](definition, p, q)
    raise InvalidPairError(f"No method estimates {definition!r}.")


def _check_missing(definition: Definition, estimator: Estimator, p: Samples, q: Samples) -> None:
    for name, sample in (("p", p), ("q", q)):
        if sample.missing and not estimator.accepts_missing:
            able = [kind.with_missing for kind in methods_for(definition) if kind.with_missing]
            other = f", or use method={' or '.join(able)}" if able else ""
            raise ValueError(
                f"{name} must have no missing values for {estimator.describe()}, but "
                f"{sample.missing} of {sample.n} rows have. Pass "
                f'nan_policy="omit" to leave those rows out{other}.'
            )


def reads(definition: Definition, p: Samples, q: Samples) -> bool:
    """Whether some method of the divergence reads such samples as they are."""
    methods = methods_for(definition)
    return (not p.categorical or any(kind.reads_categories for kind in methods)) and (
        not (p.missing or q.missing) or any(kind.with_missing for kind in methods)
    )


def _check_categories(definition: Definition, estimator: Estimator, p: Samples) -> None:
    if not p.categorical or estimator.reads_categories:
        return
    able = [f'"{kind.shorthand}"' for kind in methods_for(definition) if kind.reads_categories]
    other = f', or use method="auto" or {" or ".join(able)}' if able else ""
    verb = "holds" if len(p.categorical) == 1 else "hold"
    raise ValueError(
        f"p and q must have numeric columns for {estimator.describe()}, but "
        f"{listed(p.categorical)} {verb} categories. Drop or encode them{other}."
    )


def by_shorthand(method: Any) -> Any:
    """The method that a shorthand names; anything else as it is."""
    return _SHORTHANDS[method]() if isinstance(method, str) and method in _SHORTHANDS else method


def _named(definition: Definition, method: Any, valid: list[Any], table: Any) -> Estimator:
    shorthands = ", ".join(['"auto"'] + [f'"{kind.shorthand}"' for kind in valid])
    method = by_shorthand(method)
    if isinstance(method, str):
        raise ValueError(
            f"method must be one of {shorthands} or an estimator object for "
            f"{definition.symbol}, not {method!r}."
        )
    if isinstance(method, type) and issubclass(method, Estimator):
        raise TypeError(
            f"method must be an object, not the class {method.__name__}. Use {method.__name__}()."
        )
    if not isinstance(method, Estimator):
        raise TypeError(
            f"method must be one of {shorthands} or an estimator object for "
            f"{definition.symbol}, not {method!r}."
        )
    if not _is_valid(table, definition, type(method)):
        fails = "has no differentiable form for" if table is _LOSSES else "does not estimate"
        raise InvalidPairError(
            f"{type(method).__name__} {fails} the {definition.title} "
            f"({definition.symbol}). Valid methods: {shorthands}."
        )
    return method


def estimate_samples(
    definitions: Sequence[Definition], p: Samples, q: Samples, method: Any, run: Run
) -> list[Estimate]:
    """Estimate several divergences between two samples; what they share is computed once."""
    seed = int(run.rng.integers(2**63))
    results = []
    for definition in definitions:
        estimator, automatic = resolve(definition, method, p, q)
        _check_size(estimator, automatic, p, q)
        function = _lookup(_METHODS, type(definition), type(estimator))
        start = time.perf_counter()
        # The same seed for each, so that a value does not depend on what else was asked.
        own_run = replace(run, rng=np.random.default_rng(seed))
        reading = function(definition, estimator, p, q, own_run)
        for kind in type(definition).__mro__:
            if kind in _REVIEWS:
                own_run = replace(run, rng=np.random.default_rng(seed))
                reading = _REVIEWS[kind](definition, estimator, reading, p, q, own_run)
        seconds = time.perf_counter() - start
        results.append(_finish(definition, estimator, automatic, reading, p, q, seconds))
    return results


def _check_size(estimator: Estimator, automatic: bool, p: Samples, q: Samples) -> None:
    for name, sample in (("p", p), ("q", q)):
        if sample.n < estimator.minimum:
            raise ValueError(
                f"{name} must have at least {estimator.minimum} points for "
                f"{estimator.describe()}, but it has {sample.n}."
                f"{_way_out_of_few_points(sample) if automatic else ''}"
            )


def _way_out_of_few_points(sample: Samples) -> str:
    fewer = f", select {sample.n - 1} features or fewer" if 2 < sample.n <= sample.d else ""
    return (
        f" The method was chosen automatically. Collect more points{fewer}, or use Energy() or "
        f"MMD(), which take 2."
    )


def _finish(
    definition: Definition,
    estimator: Estimator,
    automatic: bool,
    reading: Reading,
    p: Samples,
    q: Samples,
    seconds: float,
) -> Estimate:
    how = f"auto: {estimator.describe()}" if automatic else estimator.describe()
    reading = replace(reading, notes=(*p.notes, *q.notes, *reading.notes))
    reading = reading.with_notes(*_warnings(definition, reading))
    if np.array_equal(p.points, q.points):
        reading = reading.with_notes(
            "p and q hold the very same points: error bars are for two independent samples."
        )
    kept = _for_pictures(p), _for_pictures(q)
    circumstances = Circumstances(definition, estimator, how, p.d, p.n, q.n, seconds, kept)
    return Estimate(reading, circumstances)


def _warnings(definition: Definition, reading: Reading) -> list[str]:
    value = definition.outer(reading.inner)
    if math.isnan(value) or math.isnan(reading.stderr) or math.isnan(reading.bias):
        raise FloatingPointError(
            f"{definition.symbol} came out as NaN, which a method must never return. Please "
            f"report it with the data, or a seed that makes them."
        )
    if value == -math.inf:
        return ["Too noisy: the mean whose logarithm is taken came out negative."]
    if math.isinf(value):
        return ["Infinite: some points of one sample lie where the other has no density at all."]
    fitted = isinstance(definition, RatioDivergence)
    if fitted and definition.outer(reading.inner + _BY_CHANCE * reading.stderr) < -_ROUNDING:
        return [
            "Below zero by more than two standard errors, where the truth cannot be, and not by "
            "chance: what was fitted is worse than nothing, which gives 0. It says nothing of the "
            "truth; another method may."
        ]
    if value < 0:
        return ["Below zero by chance, where the truth cannot be: read it as no difference."]
    return []


def _for_pictures(sample: Samples) -> Samples:
    if 0 < sample.missing < sample.n - 1:
        # A point without a place cannot be drawn.
        sample = sample.complete()
    return replace(sample.thinned(KEPT_FOR_PICTURES), known=None)


def differentiable_loss(
    definition: Definition, x: torch.Tensor, y: torch.Tensor, *, method: Any, rng: Any
) -> torch.Tensor:
    """Divergence of two batches as a 0-d tensor with gradients to both."""
    inner = differentiable_supremum(definition, x, y, method=method, rng=rng)
    return definition.outer(inner)  # type: ignore[no-any-return]


def differentiable_supremum(
    definition: Definition, x: torch.Tensor, y: torch.Tensor, *, method: Any, rng: Any
) -> torch.Tensor:
    """Divergence of two batches before the definition's outer function.

    It has the same minimum, and no root's infinite slope there.
    """
    return supremum_by(definition, method)(x, y, rng)


def supremum_by(
    definition: Definition, method: Any
) -> Callable[[torch.Tensor, torch.Tensor, Any], torch.Tensor]:
    """`differentiable_supremum` as a function (x, y, rng), for those who call it many times."""
    valid = losses_for(definition)
    if is_auto(method):
        if not valid:
            raise InvalidPairError(f"No method of {definition.symbol} is differentiable.")
        method = valid[0]()
    estimator = _named(definition, method, valid, _LOSSES)
    function = _lookup(_LOSSES, type(definition), type(estimator))

    def loss(x: torch.Tensor, y: torch.Tensor, rng: Any) -> torch.Tensor:
        x, y = check_batches(x, y)
        generator = check_rng(rng)
        # Drawn as `estimate_samples` draws it, so that a loss and an estimate agree for one seed.
        own = np.random.default_rng(int(generator.integers(2**63)))
        return function(definition, estimator, x, y, Run(own, progress=False))  # type: ignore[no-any-return]

    return loss
