"""The GAN among the models: what `minimize` finds, in the units of the data."""

from __future__ import annotations

import numpy as np
import pytest

import divergences as dv

RNG = np.random.default_rng(0)
X = RNG.normal(size=(800, 2)) @ [[3.0, 1.0], [0.0, 2.0]] + [100, -50]


@pytest.mark.parametrize(
    ("divergence", "method", "steps"),
    [
        (dv.JensenShannon(), "auto", 250),
        (dv.JensenShannon(), dv.AnnealedKDE(), 100),
        (dv.Energy(), "auto", 250),
    ],
    ids=["critic", "kernel densities", "energy"],
)
def test_learns_a_normal_law_wherever_it_lies(divergence, method, steps):
    model = dv.GAN(divergence, method, steps=steps, batch=128, rng=0).fit(X)
    draws = model.sample(4000, rng=1)
    spread = X.std(axis=0)
    assert (np.abs(draws.mean(axis=0) - X.mean(axis=0)) < 0.3 * spread).all()
    assert (np.abs(np.log(draws.std(axis=0) / spread)) < 0.35).all()
    assert model.estimate_.definition == divergence
    # On data that neither has seen, against the same networks after one step.
    untrained = dv.GAN(divergence, method, steps=1, batch=128, rng=0).fit(X).estimate_
    assert model.estimate_ < untrained / 5
    assert model.estimate_.interval()[1] < untrained.interval()[0]
    assert len(model.history_) > 0


def test_pushforward_is_what_is_drawn():
    model = dv.GAN(dv.Energy(), steps=10, rng=0).fit(X)
    np.testing.assert_array_equal(
        model.pushforward_.sample(5, rng=3).detach().double().numpy(), model.sample(5, rng=3)
    )


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"divergence": "JS"}, TypeError, r"^definition must be an object such as JensenShannon"),
        ({"divergence": dv.Energy(), "method": "adversarial"}, dv.InvalidPairError,
         r"^No critic network minimizes the energy distance"),
        ({"latent": 0}, ValueError, r"^latent must be a whole number of at least 1, not 0\.$"),
        ({"steps": 0}, ValueError, r"^steps must be a whole number of at least 1, not 0\.$"),
        ({"batch": 1}, ValueError, r"^batch must be a whole number of at least 2, not 1\.$"),
        ({"width": 0}, ValueError, r"^width must be a whole number of at least 1, not 0\.$"),
    ],
)  # fmt: skip
def test_bad_settings_are_refused_in_words(settings, error, message):
    with pytest.raises(error, match=message):
        dv.GAN(**settings, rng=0).fit(X)
