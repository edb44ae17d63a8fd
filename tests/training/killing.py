"""Train in a child, kill it at random moments, resume, and compare with a training left alone.

    python tests/training/killing.py KILLS SEED

It forks, so it runs as a process of its own that has started no threads. Prints what it did.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import divergences as dv
from divergences.networks.perceptron import Perceptron
from divergences.networks.seeds import seeded
from divergences.training.checkpoint import read_checkpoint
from divergences.training.history import History

STEPS = 40
DATA = np.random.default_rng(0).normal(size=(300, 2))
PLANE = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(2), 1.0), 1)


def fresh() -> dv.Pushforward:
    """The generator as it starts."""
    with seeded(np.random.default_rng(0)):
        return dv.Pushforward(Perceptron(2, 2, width=16), PLANE)


def train(folder: Path) -> dv.TrainingRun:
    """Start, or go on where the folder says."""
    if any(folder.glob("checkpoint-*")):
        return dv.resume(folder, fresh(), DATA, progress=False)
    return dv.minimize(
        dv.JensenShannon(),
        fresh(),
        DATA,
        regularizers=[dv.InstanceNoise(0.1), dv.RandomFourier(4), dv.R1()],
        steps=STEPS,
        batch_size=32,
        monitor=dv.Monitor(dv.Energy(), points=30, every=10),
        record_every=2,
        checkpoint_every=3,
        folder=folder,
        rng=5,
        progress=False,
    )


def outcome(folder: Path) -> tuple[dict[str, torch.Tensor], list[dv.Row], list[dv.Row]]:
    """Everything that the last checkpoint and the JSONL file hold, times left out."""
    state, held_out, history, _ = read_checkpoint(folder)
    lines = (folder / "history.jsonl").read_text(encoding="utf-8").splitlines()
    written = History.from_jsonl(lines)
    return (
        {**state.tensors, "held out": held_out},
        [replace(row, seconds=0.0) for row in history],
        [replace(row, seconds=0.0) for row in written],
    )


def killed(folder: Path, delay: float) -> bool:
    """Train in a child for so many seconds; whether it had to be killed."""
    child = os.fork()
    if child == 0:
        train(folder)
        os._exit(0)
    end = time.monotonic() + delay
    while time.monotonic() < end:
        if os.waitpid(child, os.WNOHANG) != (0, 0):
            return False
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def main(kills: int, seed: int) -> None:
    """Kill so often, and compare each training that came to its end."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as place:
        train(Path(place, "first"))
        # What is loaded when it is first needed is there now.
        start = time.monotonic()
        train(Path(place, "alone"))
        alone = time.monotonic() - start
        expected = outcome(Path(place, "alone"))
        done = finished = loaded = steps = 0
        while done < kills or finished == 0:
            folder = Path(place, f"killed-{finished}")
            # Beyond the number of kills it is left alone, so that it comes to its end.
            if killed(folder, rng.uniform(0, alone) if done < kills else 600):
                done += 1
                if any(folder.glob("checkpoint-*")):
                    steps += read_checkpoint(folder)[0].numbers["step"]
                    loaded += 1
                continue
            found = outcome(folder)
            finished += 1
            assert found[0].keys() == expected[0].keys()
            for name, value in expected[0].items():
                assert torch.equal(found[0][name], value), f"{name} differs"
            assert found[1:] == expected[1:], "the history differs"
    result = {"kills": done, "loaded": loaded, "finished": finished, "steps_at_kills": steps}
    print(json.dumps(result))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
