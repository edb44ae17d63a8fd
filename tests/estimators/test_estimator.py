"""What every method's answer and every loss go through."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import divergences as dv
from divergences.estimate import Reading
from divergences.estimators import estimator as contract


@pytest.mark.parametrize("name", ["x", "y"])
def test_a_loss_refuses_batches_that_are_not_finite(name):
    batches = {"x": torch.randn(5, 2), "y": torch.randn(4, 2)}
    batches[name][1] = torch.tensor([math.nan, math.inf])
    message = rf"^{name} must be finite, but 2 of its \d+ values are NaN or infinite\. Did the last"
    with pytest.raises(ValueError, match=message):
        dv.Sinkhorn().loss(**batches)


@pytest.mark.parametrize("field", ["inner", "stderr", "bias"])
def test_nan_is_never_an_answer(field):
    reading = Reading(**{"inner": 0.1, "stderr": 0.1, "bias": 0.0, field: math.nan})
    with pytest.raises(FloatingPointError, match=r"^JS came out as NaN, which a method must never"):
        contract._warnings(dv.JensenShannon(), reading)


@pytest.mark.parametrize(
    ("definition", "inner", "note"),
    [
        (dv.Renyi(2.0), -1.0, "Too noisy: the mean whose logarithm is taken came out negative."),
        (dv.KullbackLeibler(), math.inf, "Infinite: some points of one sample lie where"),
        (dv.KullbackLeibler(), -0.1, "Below zero by chance, where the truth cannot be"),
        (dv.KullbackLeibler(), -0.21, "Below zero by more than two standard errors, where the"),
        (dv.Renyi(0.5), -0.21, "Below zero by more than two standard errors, where the"),
    ],
)
def test_odd_values_are_put_into_words(definition, inner, note):
    (words,) = contract._warnings(definition, Reading(inner, 0.1))
    assert words.startswith(note)


def test_rounding_is_not_worse_than_nothing():
    (words,) = contract._warnings(dv.KullbackLeibler(), Reading(-1e-16, 0.0))
    assert words.startswith("Below zero by chance")


def test_one_sample_given_twice_is_said():
    x = np.random.default_rng(0).normal(size=50)
    assert "p and q hold the very same points" in dv.wasserstein_distance(x, x, rng=0).notes[-1]
