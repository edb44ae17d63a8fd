"""Several processes train as one does on the whole batch."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from divergences.definitions import Energy
from divergences.measures import Pushforward
from divergences.training import minimize
from divergences.training.distributed import Workers
from tests.training.two_processes import CASES, train

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


def test_two_processes_reach_the_weights_of_one(tmp_path):
    path = tmp_path / "weights.safetensors"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "WORLD_SIZE": "2",
    }
    processes = [
        subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "two_processes.py"), str(path)],
            env={**environment, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    alone = {case: train(case) for case in CASES}
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    together = load_file(path)
    for case, run in alone.items():
        for name, value in run.generator.state_dict().items():
            torch.testing.assert_close(together[f"{case}/{name}"], value, rtol=0, atol=1e-6)


def test_a_worker_takes_its_rows():
    batch = torch.arange(6)
    parts = [Workers(rank, 3).part(batch) for rank in range(3)]
    assert torch.equal(torch.cat(parts), batch)
    assert [Workers(rank, 3).leads for rank in range(3)] == [True, False, False]


def test_a_batch_that_cannot_be_shared_is_refused(monkeypatch):
    module = sys.modules["divergences.training.minimize"]
    monkeypatch.setattr(module, "join", lambda: Workers(0, 3))
    monkeypatch.setattr(Workers, "agree", lambda self, value: value)
    g_mu = Pushforward(nn.Linear(1, 1), torch.distributions.Normal(0.0, 1.0))
    with pytest.raises(ValueError, match="batch_size must be a multiple of the number of proc"):
        minimize(Energy(), g_mu, [1.0, 2.0, 3.0, 4.0], batch_size=16)
