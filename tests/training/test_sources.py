"""Sources of batches: rows in passes, what is set aside, weights, and any kind of data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from divergences.measures import Pushforward, as_samples
from divergences.training import (
    Moment,
)
from divergences.training.data import Draws, Loaded, Rows, as_source

PLANE = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(2), 1.0), 1)


DATA = np.random.default_rng(0).normal(size=(100, 2))


LIKE = torch.zeros(0)


def test_every_row_comes_once_in_each_pass():
    source = Rows(torch.arange(10.0).reshape(-1, 1), seed=0)
    drawn = torch.cat([source.draw(4, Moment()) for _ in range(5)]).reshape(2, 10)
    for one_pass in drawn:
        assert sorted(one_pass.tolist()) == list(range(10))
    assert not torch.equal(drawn[0], drawn[1])


def test_rows_set_aside_are_not_trained_on():
    source, aside = Rows(torch.arange(100.0).reshape(-1, 1), seed=0).split(10)
    drawn = {float(x) for x in source.draw(90, Moment())}
    assert len(drawn) == 90
    assert drawn.isdisjoint({float(x) for x in aside})
    assert len(aside) == 10


def test_weights_are_probabilities():
    sample = as_samples([[0.0], [1.0]], weights=[3, 1])
    source = as_source(sample, 0, LIKE)
    drawn = source.draw(4000, Moment())
    # The share of ones has a standard error of 0.007.
    assert float(drawn.mean()) == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize(
    ("nu", "kind"),
    [
        (DATA, Rows),
        (DATA.tolist(), Rows),
        (torch.as_tensor(DATA), Rows),
        (pd.DataFrame(DATA, columns=["a", "b"]), Rows),
        (PLANE, Draws),
        (Pushforward(lambda z: z, PLANE), Draws),
        (DataLoader(TensorDataset(torch.as_tensor(DATA), torch.zeros(100)), batch_size=10), Loaded),
    ],
    ids=["array", "list", "tensor", "frame", "distribution", "pushforward", "loader"],
)
def test_any_data_becomes_batches_of_the_generators_dtype(nu, kind):
    source = as_source(nu, 0, LIKE)
    assert isinstance(source, kind)
    batch = source.draw(10, Moment())
    assert batch.shape == (10, 2)
    assert batch.dtype == torch.float32
