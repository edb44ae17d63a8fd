"""One test per law over the registry of (divergence, method) pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from divergences.definitions import Definition, Energy, TotalVariation, Wasserstein
from divergences.estimate import Estimate, Reading
from divergences.estimators import ExactTransport, PairwiseKernel, losses_for, methods_for
from tests.laws import (
    DEFINITIONS,
    EVERY_METHOD,
    LAWS,
    LOSS_ROWS,
    ROWS,
    Data,
    Row,
    Subject,
    claimed,
    directional_slopes,
    losses,
)
from tests.naive import total_variation_of_ratios

CLAIMED = list(claimed())
LOSSES = list(losses())
LOSS_NAMES = [f"{definition!r}, {estimator!r}" for definition, estimator in LOSSES]


def ours(methods):
    return {method for method in methods if method.__module__.startswith("divergences.")}


def test_every_registered_method_has_a_row():
    registered = {method for definition in DEFINITIONS for method in methods_for(definition)}
    assert ours(registered) == {type(row.estimator) for row in ROWS}


def test_every_differentiable_method_has_a_row():
    registered = {method for definition in DEFINITIONS for method in losses_for(definition)}
    assert ours(registered) == {type(estimator) for estimator in LOSS_ROWS}


@pytest.mark.parametrize(
    ("law", "subject"), CLAIMED, ids=[f"{law}: {subject.name}" for law, subject in CLAIMED]
)
def test_law(law, subject):
    slow = subject.row.slow

    @settings(deadline=None, derandomize=True, max_examples=1 if slow else 3, database=None)
    @given(seed=st.integers(0, 10_000), d=st.integers(1, 3))
    def holds(seed, d):
        LAWS[law](subject, Data.draw(seed, d))

    holds()


# Each check is seen to fail: a wrong estimator that breaks one law.


W1, EXACT = Wasserstein(1), Row(ExactTransport())


@dataclass(frozen=True)
class Broken:
    """Exact W1, spoiled."""

    spoil: Callable[..., Estimate]
    definition: Definition = W1
    row: Row = EXACT
    name: str = "broken"

    def __call__(self, x, y, **options):
        honest = Subject(self.definition, self.row)
        return self.spoil(honest, x, y, options)


def shifted(estimate, by):
    reading = Reading(estimate.reading.inner + by, estimate.reading.stderr)
    return Estimate(reading, estimate.circumstances)


def first_point_counts(honest, x, y, options):
    return shifted(honest(x, y, **options), 1e-3 * float(x[0, 0]))


def p_counts_more(honest, x, y, options):
    return shifted(honest(x, y, **options), 1e-3 * float(np.std(x)))


def origin_counts(honest, x, y, options):
    return shifted(honest(x, y, **options), 1e-3 * float(np.mean(x)))


def count_counts(honest, x, y, options):
    return shifted(honest(x, y, **options), 1.0 / len(x))


def constant_off(honest, x, y, options):
    return shifted(honest(x, y, **options), 1e-4)


def negative(honest, x, y, options):
    return shifted(honest(x, y, **options), -100.0)


def squared_value(honest, x, y, options):
    value = honest(x, y, **options)
    return shifted(value, float(value) ** 2 - float(value))


def diameter(honest, x, y, options):
    value = honest(x, y, **options)
    return shifted(value, 100.0 / float(np.ptp(x[:, 0])))


def first_axis_counts(honest, x, y, options):
    return shifted(honest(x, y, **options), float(np.var(x[:, 0])))


def seed_ignored(honest, x, y, options, fresh=np.random.default_rng(3)):  # noqa: B008
    return shifted(honest(x, y, **options), 1e-9 * float(fresh.normal()))


def workers_count(honest, x, y, options):
    return shifted(honest(x, y, **options), 1e-15 * options.get("workers", 1))


def data_changed(honest, x, y, options):
    value = honest(x, y, **options)
    x += 1.0
    return value


SPOILED = {
    "permutation": first_point_counts,
    "symmetry": p_counts_more,
    "translation": origin_counts,
    "scaling": constant_off,
    "rotation": first_axis_counts,
    "affine": constant_off,
    "repeats": count_counts,
    "zero": constant_off,
    "nonnegative": negative,
    "triangle": squared_value,
    "contraction": diameter,
    "seed": seed_ignored,
    "workers": workers_count,
    "untouched": data_changed,
}


@pytest.mark.parametrize("law", LAWS)
def test_the_check_of_a_law_rejects_an_estimator_that_breaks_it(law):
    rejected = 0
    for seed in range(6):
        data = Data.draw(seed, 2)
        if law == "triangle":
            # Squared distances break it where the middle lies between the ends.
            data.y, data.z = data.x + np.array([30.0, 0.0]), data.x + np.array([15.0, 0.0])
        try:
            LAWS[law](Broken(SPOILED[law]), data)
        except AssertionError:
            rejected += 1
    assert rejected >= 5


def test_every_law_has_a_spoiler():
    assert set(SPOILED) == set(LAWS)
    assert set(LAWS) >= EVERY_METHOD


# Losses: the same value as the estimate, and slopes that differences confirm.


def batches(seed, d, n=11, m=13):
    data = Data.draw(seed, d, n, m)
    return torch.as_tensor(data.x), torch.as_tensor(data.y)


@pytest.mark.parametrize(("definition", "estimator"), LOSSES, ids=LOSS_NAMES)
@pytest.mark.parametrize("d", [1, 2, 4])
def test_slopes_agree_with_differences(definition, estimator, d):
    for seed in range(2):
        x, y = batches(seed, d)

        def loss(x, y):
            return definition.loss(x, y, method=estimator, rng=5)

        rng = np.random.default_rng(seed)
        by_gradient, by_difference = directional_slopes(loss, x, y, rng)
        assert by_gradient == pytest.approx(by_difference, rel=1e-5, abs=1e-7)


def test_a_wrong_slope_would_be_seen():
    def detached(x, y):
        return Energy(squared=True).loss(x, y, method=PairwiseKernel()) + (x.detach() ** 2).sum()

    by_gradient, by_difference = directional_slopes(
        detached, *batches(0, 2), np.random.default_rng(0)
    )
    assert abs(by_gradient - by_difference) > 0.1


@pytest.mark.parametrize(("definition", "estimator"), LOSSES, ids=LOSS_NAMES)
def test_gradients_reach_both_arguments_in_their_own_dtype(definition, estimator):
    for dtype in (torch.float32, torch.float64):
        x, y = (batch.to(dtype).requires_grad_() for batch in batches(1, 2))
        value = definition.loss(x, y, method=estimator, rng=0)
        assert value.shape == ()
        assert value.dtype == dtype
        value.backward()
        for batch in (x, y):
            assert batch.grad.dtype == dtype
            assert torch.isfinite(batch.grad).all()
            assert (batch.grad.abs().sum(dim=1) > 0).all()


@pytest.mark.parametrize(("definition", "estimator"), LOSSES, ids=LOSS_NAMES)
@pytest.mark.parametrize("d", [1, 3])
def test_numpy_and_torch_agree(definition, estimator, d):
    x, y = batches(2, d, 20, 25)
    loss = definition.loss(x, y, method=estimator, rng=9)
    if isinstance(definition, TotalVariation):
        # The estimate averages signs, which have no slope; the loss averages |p - q|/(p + q).
        expected = total_variation_of_ratios(estimator, x.numpy(), y.numpy(), rng=9)
    else:
        expected = float(Subject(definition, Row(estimator))(x.numpy(), y.numpy(), rng=9))
    assert float(loss) == pytest.approx(expected, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(("definition", "estimator"), LOSSES, ids=LOSS_NAMES)
def test_a_loss_of_two_equal_batches_has_finite_slopes(definition, estimator):
    x, _ = batches(3, 2)
    twins = [x.clone().requires_grad_() for _ in range(2)]
    value = definition.loss(*twins, method=estimator, rng=0)
    value.backward()
    assert torch.isfinite(value)
    assert all(torch.isfinite(batch.grad).all() for batch in twins)
