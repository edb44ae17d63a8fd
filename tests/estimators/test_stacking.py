import numpy as np
import pytest

from divergences.definitions import JensenShannon
from divergences.estimators.critics.critic_candidate import FittedCritic, Training
from divergences.estimators.critics.critic_library import library
from divergences.estimators.critics.ridge_candidates import RidgeCandidate
from divergences.estimators.critics.stacking import fit_stack, jensen_shannon
from divergences.estimators.ratios.cross_fitting import TrainingPart
from divergences.work import Run


class Saying:
    """A candidate that says what it is told to, at held-out and at own points."""

    def __init__(self, name, held_out, fitted=None, costly=False):
        self.name, self.costly = name, costly
        self.held_out = held_out
        self.fitted = held_out if fitted is None else fitted
        self.standard = None

    def fit(self, training):
        self.standard = training.standard
        return FittedCritic.bounded(self.held_out, self.fitted, Told(self.held_out.mean()))


class Told:
    def __init__(self, value):
        self.value = value

    def __call__(self, points):
        return np.full(len(points), self.value)


def data(n=400, shift=1.0, seed=0):
    rng = np.random.default_rng(seed)
    points = np.concatenate([rng.normal(shift, 1, n), rng.normal(0, 1, n)])[:, np.newaxis]
    training = Training.of(TrainingPart(points, np.repeat([1, 0], n), np.ones(2 * n), 0))
    truth = shift * (points[:, 0] - shift / 2)
    return training, truth, rng


def stacked(candidates, training, workers=1):
    return fit_stack(candidates, training, Run.create(rng=0, workers=workers))


def test_weights_are_at_least_zero_and_useless_critics_are_dropped():
    training, truth, rng = data()
    noise = rng.normal(size=len(truth))
    stack = stacked(
        [
            Saying("good", truth),
            Saying("noise", noise),
            Saying("opposite", -truth + noise),
            Saying("same again", truth + 0.01 * noise),
        ],
        training,
    )
    weights = dict(zip(stack.names, stack.weights, strict=True))
    assert weights["noise"] == weights["opposite"] == 0
    assert all(weight >= 0 for weight in weights.values())
    # Of two that say the same one is enough.
    assert sorted([weights["good"] > 0, weights["same again"] > 0]) == [False, True]
    assert sum(weights.values()) == pytest.approx(1, abs=0.3)


def test_two_critics_that_see_different_things_share_the_weight():
    rng = np.random.default_rng(1)
    points = np.vstack([rng.normal(1, 1, (400, 2)), rng.normal(0, 1, (400, 2))])
    training = Training.of(TrainingPart(points, np.repeat([1, 0], 400), np.ones(800), 0))
    stack = stacked(
        [Saying("first", points[:, 0] - 0.5), Saying("second", points[:, 1] - 0.5)], training
    )
    assert stack.weights.min() > 0.5
    alone = max(stack.values)
    assert jensen_shannon(stack.held_out, training)[0] > 1.3 * alone


def test_noise_alone_gets_no_weight_and_no_trust():
    training, truth, rng = data(shift=0.0)
    candidates = [Saying(f"noise {i}", 0.3 * rng.normal(size=len(truth))) for i in range(4)]
    stack = stacked(candidates, training)
    np.testing.assert_array_equal(stack.weights, 0.0)
    np.testing.assert_array_equal(stack.held_out, 0.0)
    np.testing.assert_array_equal(stack.fitted, 0.0)
    assert stack.trust == 0
    np.testing.assert_array_equal(stack(np.ones((5, 1))), 0.0)


def test_trust_is_whole_where_the_difference_is_plain():
    training, truth, _ = data(shift=2.0)
    assert stacked([Saying("good", truth)], training).trust == 1


def test_overconfident_critics_are_shrunk():
    training, truth, _ = data()
    stack = stacked([Saying("loud", 3 * truth)], training)
    assert stack.weights[0] == pytest.approx(1 / 3, abs=0.1)
    assert jensen_shannon(stack.held_out, training)[0] > stack.values[0]


def test_held_out_values_leave_the_point_out_of_the_weights_too():
    training, truth, _ = data(n=80)
    stack = stacked([Saying("good", truth)], training)
    in_the_fit = stack.offset + stack.weights[0] * truth
    toward_label = np.where(training.labels == 1, 1, -1) * (in_the_fit - stack.held_out)
    assert toward_label.mean() > 0
    assert jensen_shannon(stack.held_out, training)[0] < jensen_shannon(in_the_fit, training)[0]


def test_fitted_values_are_those_of_the_critics_at_their_own_points():
    training, truth, _ = data()
    stack = stacked([Saying("good", truth, 1.2 * truth)], training)
    np.testing.assert_allclose(stack.fitted, stack.offset + stack.weights[0] * 1.2 * truth)


def test_costly_candidates_see_the_best_of_the_cheap_ones():
    training, truth, rng = data()
    cheap = [Saying("noise", rng.normal(size=len(truth))), Saying("good", truth)]
    costly = Saying("costly", truth, costly=True)
    stacked([costly, *cheap], training)
    np.testing.assert_array_equal(costly.standard, truth)
    assert all(candidate.standard is None for candidate in cheap)


class Absent:
    name, costly = "absent", True

    def fit(self, training):
        return None


def test_candidates_that_give_up_are_missing():
    training, truth, _ = data()
    stack = stacked([Saying("good", truth), Absent()], training)
    assert stack.names == ("good",)


def test_the_rival_is_the_critic_with_the_largest_mean_of_both_values():
    training, truth, _ = data()
    stack = stacked(
        [Saying("good", truth), Saying("memory", 0 * truth, 30.0 * (2 * training.labels - 1))],
        training,
    )
    assert stack.names[stack.unseen] == "memory"


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_change_nothing(workers):
    training, _, _ = data(n=100)
    candidates = library(1, cheap=True)
    assert all(isinstance(candidate, RidgeCandidate) for candidate in candidates)
    one, more = stacked(candidates, training), stacked(candidates, training, workers)
    np.testing.assert_array_equal(one.held_out, more.held_out)
    np.testing.assert_array_equal(one.weights, more.weights)


def test_jensen_shannon_is_the_variational_value():
    training, truth, _ = data()
    terms_p = JensenShannon().critic_p(truth[training.labels == 1])
    terms_q = JensenShannon().critic_q(truth[training.labels == 0])
    value, stderr = jensen_shannon(truth, training)
    assert value == pytest.approx(terms_p.mean() + terms_q.mean())
    assert stderr == pytest.approx(np.sqrt(terms_p.var() / 400 + terms_q.var() / 400))
