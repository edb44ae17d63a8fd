"""A checkpoint holds everything, is whole or not there, and runs no code when it is read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from divergences.definitions import (
    FDivergence,
    JensenShannon,
    KullbackLeibler,
    RelativisticPairing,
    SlicedWasserstein,
    Wasserstein,
)
from divergences.measures import Pushforward
from divergences.networks.perceptron import Perceptron
from divergences.networks.seeds import seeded
from divergences.training import (
    ConjugateCritic,
    InstanceNoise,
    Monitor,
    Packing,
    Row,
    SpectralNorm,
    TopK,
    TrainingRun,
    minimize,
    resume,
)
from divergences.training.checkpoint import latest_checkpoint, read_checkpoint
from divergences.training.codec import decode, encode

ROOT = Path(__file__).parents[2]
PLANE = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(2), 1.0), 1)
DATA = np.random.default_rng(0).normal(size=(200, 2))
STEPS = 12


def fresh(width: int = 16) -> Pushforward:
    with seeded(np.random.default_rng(0)):
        return Pushforward(Perceptron(2, 2, width=width), PLANE)


def halfway(run: TrainingRun, row: Row) -> None:
    if run.step == STEPS // 2:
        run.stop("half way")


def options() -> dict:
    return {"steps": STEPS, "batch_size": 16, "rng": 3, "progress": False, "record_every": 1}


def tensors(run: TrainingRun) -> list[torch.Tensor]:
    critic = [] if run.critic is None else list(run.critic.state_dict().values())
    return [
        *run.generator.state_dict().values(),
        *run.pushforward.g.state_dict().values(),
        *critic,
    ]


def rows(run: TrainingRun) -> list[Row]:
    return [replace(row, seconds=0.0) for row in run.history]


def assert_same_bits(run: TrainingRun, other: TrainingRun) -> None:
    assert run.step == other.step == STEPS
    for value, expected in zip(tensors(run), tensors(other), strict=True):
        assert torch.equal(value, expected)
    assert rows(run) == rows(other)


class Stream(IterableDataset):
    def __iter__(self):
        rng = np.random.default_rng(1)
        for _ in range(130):
            yield torch.as_tensor(rng.normal(size=2))


def loader_with_generator() -> DataLoader:
    points = torch.as_tensor(DATA)
    generator = torch.Generator().manual_seed(4)
    return DataLoader(TensorDataset(points), batch_size=16, shuffle=True, generator=generator)


SOURCES = {
    "array": lambda: DATA,
    "known measure": lambda: torch.distributions.MultivariateNormal(torch.ones(2), torch.eye(2)),
    "pushforward": lambda: Pushforward(lambda z: z + 1, PLANE),
    "shuffled loader": lambda: DataLoader(torch.as_tensor(DATA), batch_size=16, shuffle=True),
    "loader with a generator": loader_with_generator,
    "iterable loader": lambda: DataLoader(Stream(), batch_size=16),
}


@pytest.mark.parametrize("source", SOURCES)
def test_resumed_from_any_data_gives_the_same_bits(source, tmp_path):
    nu = SOURCES[source]
    alone = minimize(SlicedWasserstein(), fresh(), nu(), **options())
    minimize(SlicedWasserstein(), fresh(), nu(), folder=tmp_path, callbacks=[halfway], **options())
    assert_same_bits(resume(tmp_path, fresh(), nu(), progress=False), alone)


@pytest.mark.parametrize(
    ("definition", "more"),
    [
        (JensenShannon(), {}),
        (
            KullbackLeibler(),
            {
                "method": ConjugateCritic(steps=2),
                "regularizers": [SpectralNorm(), InstanceNoise(), Packing(2), TopK()],
                "clip": 0.5,
            },
        ),
        (RelativisticPairing(), {"average": 0.0, "optimizer": torch.optim.SGD}),
        (Wasserstein(1), {"method": "adversarial"}),
    ],
    ids=repr,
)
def test_resumed_under_any_game_gives_the_same_bits(definition, more, tmp_path):
    if "optimizer" in more:
        more["optimizer"] = lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.5)
    alone = minimize(definition, fresh(), DATA, **options(), **more)
    minimize(definition, fresh(), DATA, folder=tmp_path, callbacks=[halfway], **options(), **more)
    again = {"optimizer": more["optimizer"]} if "optimizer" in more else {}
    assert_same_bits(resume(tmp_path, fresh(), DATA, progress=False, **again), alone)


def test_saving_at_the_end_loses_nothing(tmp_path):
    run = minimize(JensenShannon(), fresh(), DATA, **options())
    path = run.save(tmp_path / "new")
    assert path == latest_checkpoint(tmp_path / "new")
    assert_same_bits(resume(tmp_path / "new", fresh(), DATA, progress=False), run)


def test_the_history_file_holds_what_the_run_does(tmp_path):
    run = minimize(JensenShannon(), fresh(), DATA, folder=tmp_path, **options())
    lines = (tmp_path / "history.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(1, STEPS + 1))
    assert tuple(Row.from_json(line) for line in lines) == run.history.rows


def test_nothing_but_safetensors_and_json_is_written(tmp_path):
    minimize(JensenShannon(), fresh(), DATA, folder=tmp_path, **options())
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {"history.jsonl", "tensors.safetensors", "state.json"}
    assert len(list(tmp_path.glob("checkpoint-*"))) == 1


def test_an_unfinished_checkpoint_is_overlooked_and_cleared(tmp_path):
    run = minimize(JensenShannon(), fresh(), DATA, folder=tmp_path, **options())
    (tmp_path / ".unfinished-1").mkdir()
    (tmp_path / ".unfinished-1" / "tensors.safetensors").write_bytes(b"half")
    assert_same_bits(resume(tmp_path, fresh(), DATA, progress=False), run)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kills", [6, pytest.param(200, marks=pytest.mark.slow)])
def test_killed_at_any_moment_it_resumes_to_the_same_bits(kills):
    done = subprocess.run(
        [sys.executable, "-W", "error", str(Path(__file__).parent / "killing.py"), str(kills), "1"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["kills"] == kills
    assert told["finished"] >= 1


# Messages.


def test_a_folder_with_a_checkpoint_is_not_written_over(tmp_path):
    minimize(JensenShannon(), fresh(), DATA, folder=tmp_path, **options())
    with pytest.raises(FileExistsError, match=r"must not hold a checkpoint yet.*resume\("):
        minimize(JensenShannon(), fresh(), DATA, folder=tmp_path, **options())
    other = minimize(Wasserstein(2), fresh(), DATA, **options())
    with pytest.raises(FileExistsError, match="is of another one"):
        other.save(tmp_path)


def test_an_empty_folder_cannot_be_resumed(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"must hold a checkpoint.*run\.save"):
        resume(tmp_path, fresh(), DATA)


def test_another_network_is_refused(tmp_path):
    minimize(JensenShannon(), fresh(), DATA, folder=tmp_path, **options())
    with pytest.raises(ValueError, match=r"generator must be the network that was saved.*\(16"):
        resume(tmp_path, fresh(width=8), DATA)


def test_another_format_is_refused(tmp_path):
    minimize(JensenShannon(), fresh(), DATA, folder=tmp_path, **options())
    path = latest_checkpoint(tmp_path) / "state.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 9'))
    with pytest.raises(ValueError, match=r"of format 1, but .* has format 9"):
        read_checkpoint(tmp_path)


def test_functions_must_be_given_again(tmp_path):
    square = FDivergence(phi=lambda u: (u - 1) ** 2, derivative=lambda u: 2 * (u - 1), name="mine")
    monitor = Monitor(KullbackLeibler(), points=30)
    run = minimize(square, fresh(), DATA, monitor=monitor, folder=tmp_path, **options())
    with pytest.raises(ValueError, match="definition must be given again, because FDivergence"):
        resume(tmp_path, fresh(), DATA)
    again = resume(tmp_path, fresh(), DATA, definition=square, progress=False)
    assert_same_bits(again, run)


def test_settings_come_back_and_code_does_not():
    settings = (
        JensenShannon(2),
        Wasserstein(1),
        Monitor(),
        Packing(3),
        (1, 2.5, float("inf")),
        None,
    )
    assert decode(json.loads(json.dumps(encode(settings)))) == settings
    for name in ("minimize", "os", "__builtins__", "TrainingRun"):
        with pytest.raises(LookupError, match=name):
            decode({"is": name})
