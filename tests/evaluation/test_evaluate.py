"""evaluate_generator: what it takes, what it says, and what it does not depend on."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from scipy.stats import multivariate_normal
from sklearn.linear_model import LogisticRegression

import divergences as dv
from divergences.evaluation.classifier_accuracy import accuracy_score
from divergences.measures import as_samples
from divergences.work import Run

FEW = {"divergences": [dv.Energy()], "classifier": dv.Classifier("logistic"), "rng": 0}
RNG = np.random.default_rng(0)
TRAIN, DATA = RNG.normal(size=(2, 120, 2))
NORMAL = torch.distributions.Independent(
    torch.distributions.Normal(torch.zeros(2), torch.ones(2)), 1
)
GENERATORS = {
    "points": RNG.normal(size=(100, 2)),
    "frame": pd.DataFrame(RNG.normal(size=(100, 2)), columns=["a", "b"]),
    "pushforward": dv.Pushforward(torch.nn.Linear(2, 2), NORMAL),
    "plain pushforward": dv.Pushforward(lambda z: 2 * z, NORMAL),
    "kernel density": dv.KernelDensity().fit(TRAIN),
    "mixture": dv.GaussianMixture(2, rng=0).fit(TRAIN),
    "autoencoder": dv.Autoencoder(steps=20, rng=0).fit(TRAIN),
    "torch law": NORMAL,
    "scipy law": multivariate_normal([0, 0]),
}


@pytest.mark.parametrize("kind", GENERATORS)
def test_takes_whatever_generates(kind):
    result = dv.evaluate_generator(GENERATORS[kind], DATA, **FEW)
    names = [score.name for score in result.scores]
    assert names == ["accuracy", "precision", "recall", "density", "coverage"]
    assert result.divergences[0].n == 120
    assert result.divergences[0].m == (100 if kind in ("points", "frame") else 120)
    assert result.seconds > 0


def test_a_perfect_generator_is_as_perfect():
    # Eight scores; verdicts use two standard errors, so each is wrong in one of 20 at most.
    rng = np.random.default_rng(3)
    train, data = rng.normal(size=(2, 400, 2))
    result = dv.evaluate_generator(NORMAL, data, train=train, **FEW)
    assert sum(score.verdict != "as perfect" for score in result.scores) <= 2
    assert result.notes == ()
    assert result["energy"].interval()[0] <= 0


def test_faults_are_seen_each_by_its_score():
    rng = np.random.default_rng(4)
    centers = np.array([[-5.0, 0.0], [5.0, 0.0]])
    train, data = (centers[rng.integers(2, size=300)] + rng.normal(size=(300, 2)) for _ in "12")
    modes = dv.Modes(centers, 1.0)
    right = centers[1] + rng.normal(size=(300, 2))
    dropped = dv.evaluate_generator(right, data, train=train, modes=modes, **FEW)
    verdicts = {score.name: score.verdict for score in dropped.scores}
    for name in ("recall", "coverage", "modes"):
        assert verdicts[name] == "lower"
    assert verdicts["accuracy"] == verdicts["reverse KL"] == "higher"
    copied = dv.evaluate_generator(train, data, train=train, modes=modes, **FEW)
    verdicts = {score.name: score.verdict for score in copied.scores}
    assert (verdicts["copying"], verdicts["recall"]) == ("higher", "as perfect")
    assert "training points to the last digit" in copied.notes[1]
    assert "they are copied" in str(copied)


def test_same_seed_same_answer_whatever_else_is_asked_and_however_many_work():
    plain = dv.evaluate_generator(NORMAL, DATA, **FEW)
    more = dv.evaluate_generator(
        NORMAL, DATA, train=TRAIN, modes=dv.Modes(np.eye(2), 1.0), workers=2, **FEW
    )
    assert more.scores[:5] == plain.scores
    assert float(more["energy"]) == float(plain["energy"])
    assert len(more.scores) == 10


def test_global_state_and_data_are_untouched():
    state, data = torch.get_rng_state(), DATA.copy()
    dv.evaluate_generator(GENERATORS["pushforward"], data, train=TRAIN, **FEW)
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(data, DATA)


class TestResult:
    RESULT = dv.evaluate_generator(
        GENERATORS["points"], DATA, train=TRAIN, modes=dv.Modes(np.eye(2), 1.0), **FEW
    )

    def test_prints_both_tables_within_the_width(self):
        text = self.RESULT.to_text(width=100)
        assert text.startswith("P: 120 points, Q: 100 points, 2 features\ndivergence")
        for score in self.RESULT.scores:
            assert f"\n{score.name} " in text
        assert max(map(len, text.splitlines())) <= 100
        assert "perfect" in repr(self.RESULT)

    def test_is_json_and_survives_a_pickle(self):
        contents = json.loads(json.dumps(self.RESULT.to_dict(), allow_nan=False))
        assert contents["scores"][1]["name"] == "precision"
        assert contents["divergences"][0]["divergence"] == "energy"
        again = pickle.loads(pickle.dumps(self.RESULT))
        assert again.to_dict() == self.RESULT.to_dict()

    def test_is_read_by_name(self):
        assert self.RESULT["recall"] is self.RESULT.scores[2]
        assert self.RESULT["energy"] is self.RESULT.divergences[0]
        with pytest.raises(KeyError, match=r"'fid' is not among 'accuracy', 'precision', .*'ener"):
            self.RESULT["fid"]

    def test_picture_has_a_row_for_each_score(self):
        ax = Figure().subplots()
        assert self.RESULT.plot(ax=ax) is ax
        assert [label.get_text() for label in ax.get_yticklabels()] == [
            score.name for score in self.RESULT.scores
        ]
        assert [text.get_text() for text in ax.texts] == [
            score.words()[0] for score in self.RESULT.scores
        ]
        assert self.RESULT.plot().figure is not None

    def test_is_frozen(self):
        with pytest.raises(AttributeError):
            self.RESULT.scores = ()


class TestAccuracy:
    def test_is_that_of_the_best_guess(self):
        # N(0, 1) and N(1, 1): Phi(1/2) = 0.6915; 4 standard errors.
        rng = np.random.default_rng(0)
        p, q = as_samples(rng.normal(0, 1, 1500)), as_samples(rng.normal(1, 1, 1000))
        score = accuracy_score(p, q, dv.Classifier("logistic"), Run.create(0))
        assert abs(score.value - 0.6915) < 4 * score.stderr
        assert 0.008 < score.stderr < 0.011

    def test_error_is_the_scatter_where_nothing_differs(self):
        # 80 pairs: the scatter is known to 8 %, the mean to an ninth of it.
        found = []
        for seed in range(80):
            rng = np.random.default_rng(seed)
            p, q = as_samples(rng.normal(size=(60, 1))), as_samples(rng.normal(size=(90, 1)))
            method = dv.Classifier(LogisticRegression(), folds=5)
            found.append(accuracy_score(p, q, method, Run.create(0)))
        values = np.array([score.value for score in found])
        claimed = np.sqrt(np.mean([score.stderr**2 for score in found]))
        assert abs(values.mean() - 0.5) < 4.5 * values.std() / np.sqrt(80)
        assert 0.7 < claimed / values.std() < 1.4

    def test_separated_samples_are_told_apart_with_an_error_above_zero(self):
        rng = np.random.default_rng(0)
        p, q = as_samples(rng.normal(size=50)), as_samples(rng.normal(50, 1, 50))
        score = accuracy_score(p, q, dv.Classifier("logistic"), Run.create(0))
        assert score.value == 1
        assert 0.005 < score.stderr < 0.02


@pytest.mark.parametrize(
    ("g_mu", "settings", "error", "message"),
    [
        (np.sin, {}, TypeError,
         r"^g_mu must be an array, .* The law of g\(z\) for z drawn from mu is Pushforward\(g, mu"),
        (DATA[:, :1], {}, ValueError, r"^p and q must have the same number of features"),
        (DATA, {"n": 50}, ValueError, r"^n must be left out, as g_mu is points already drawn\.$"),
        (NORMAL, {"n": 1}, ValueError, r"^n must be a whole number of at least 2, not 1\.$"),
        (DATA, {"k": 0}, ValueError, r"^k must be a whole number of at least 1, not 0\.$"),
        (DATA, {"k": 24}, ValueError,
         r"^k must be below a fifth of the points, but k = 24 and data has 120 points\. Lo"),
        (DATA[:20], {}, ValueError, r"but k = 5 and g_mu has 20 points\. Lower k, or use at least"),
        (DATA, {"modes": [[0, 0]]}, TypeError,
         r"^modes must be Modes\(centers, deviation\), not list\.$"),
        (DATA, {"classifier": "boosting"}, TypeError,
         r'^classifier must be a density-ratio method such as Classifier\("boosting"\), not \'boo'),
        (DATA, {"train": DATA[:, :1]}, ValueError,
         r"^p and q must have the same number of features"),
        (dv.Samples(DATA, np.arange(1, 121) / 7260), {}, ValueError,
         r"^g_mu must be unweighted, as its points are counted\. Repeat points\.$"),
        (DATA * np.nan, {}, ValueError, r"^g_mu must be finite, but it has NaN in 120 of 120 rows"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_words(g_mu, settings, error, message):
    with pytest.raises(error, match=message):
        dv.evaluate_generator(g_mu, DATA, **(FEW | settings))


def test_a_model_that_was_not_fitted_is_refused():
    with pytest.raises(Exception, match="not fitted"):
        dv.evaluate_generator(dv.GaussianMixture(), DATA, **FEW)
