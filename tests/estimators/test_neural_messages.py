"""What neural critics refuse, and what they say."""

import math

import numpy as np
import pytest
from torch import nn

import divergences as dv
from divergences.definitions import (
    FDivergence,
    ReverseKL,
)
from divergences.errors import InvalidPairError
from divergences.estimators import Neural
from divergences.measures import as_samples
from divergences.work import Run
from tests.draws import normals

QUICK = {"folds": 2, "restarts": 1}


def flat(u):
    return abs(u - 1)


def flat_slope(u):
    return (u > 1) * 2.0 - 1.0 + 0 * u


class TestMessages:
    @pytest.mark.parametrize(
        ("settings", "error", "message"),
        [
            ({"objective": "gan"}, ValueError, "objective must be one of 'js', 'conjugate', 'dons"),
            ({"folds": 1}, ValueError, "folds must be a whole number of at least 2, not 1"),
            ({"restarts": 0}, ValueError, "restarts must be a whole number of at least 1, not 0"),
            ({"steps": 1.5}, TypeError, "steps must be a whole number of at least 1, not 1.5"),
            ({"batch_size": 0}, ValueError, "batch_size must be a whole number of at least 1"),
            ({"learning_rate": 0}, ValueError, "learning_rate must be a number above 0, not 0"),
            ({"weight_decay": -1}, ValueError, "weight_decay must be a number of at least 0, not"),
            ({"network": "deep"}, ValueError, "network must be one of 'perceptron', not 'deep'"),
            ({"network": 7}, TypeError, 'network must be "perceptron", a torch.nn.Module or a fu'),
            ({"network": nn.ReLU}, TypeError, r"not the class ReLU. Use network=lambda d: ReLU"),
            ({"device": "abacus"}, ValueError, 'device must be "auto" or a device that torch has'),
            ({"device": "cuda:77"}, ValueError, "has here, not 'cuda:77'. Use \"cpu\""),
            ({"device": "meta"}, ValueError, "has here, not 'meta'. Use \"cpu\""),
        ],
    )  # fmt: skip
    def test_settings(self, settings, error, message):
        with pytest.raises(error, match=message):
            Neural(**settings)

    @pytest.mark.parametrize(
        ("network", "error", "message"),
        [
            (lambda d: nn.Linear(d, 3), ValueError, r"must map \(k, d\) to \(k, 1\), but it made"),
            (lambda d: "none", TypeError, "must make a torch.nn.Module from the number of feature"),
            (
                nn.Linear(4, 1),
                ValueError,
                r"^network must take the 2 features that .* Give its first "
                r"layer 2 inputs\.$",
            ),
            (nn.Flatten(0), ValueError, "network must have parameters to train, but it has none"),
        ],
    )
    def test_networks(self, network, error, message):
        x, y = normals(22, 20, 20, 2)
        with pytest.raises(error, match=message):
            dv.js_divergence(x, y, method=Neural(network=network, **QUICK), rng=0)

    def test_invalid_pairs(self):
        x, y = normals(23, 20, 20, 1)
        with pytest.raises(InvalidPairError, match=r"does not bound the Jensen–Shannon divergence "
                           r'\(JS\). Valid objectives: "js", "conjugate"\.'):  # fmt: skip
            dv.js_divergence(x, y, method=Neural("donsker_varadhan"))
        with pytest.raises(InvalidPairError, match=r'"js", "conjugate", "donsker_varadhan"\.'):
            dv.divergence(ReverseKL(), x, y, method=Neural("nwj"))
        with pytest.raises(InvalidPairError, match='objective must be "js" for a log-ratio that'):
            Neural("nwj").log_ratio(as_samples(x), as_samples(y), Run.create(0))

    def test_phi_that_cannot_be_climbed(self):
        x, y = normals(24, 20, 20, 1)
        steps = FDivergence(flat, flat_slope, name="steps")
        with pytest.raises(
            ValueError, match="needs a derivative of phi that changes with the ratio"
        ):
            dv.divergence(steps, x, y, method=Neural("conjugate"))
        numpy_only = FDivergence(
            lambda u: np.multiply(u, np.log(u)) - u + 1, np.log, name="numpy's KL"
        )
        with pytest.raises(ValueError, match="numpy's KL to accept torch tensors; they raised"):
            dv.divergence(numpy_only, x, y, method=Neural("conjugate"))
        assert math.isfinite(
            dv.divergence(numpy_only, x, y, method=Neural(steps=20, **QUICK), rng=0)
        )
