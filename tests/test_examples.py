"""The examples run, and show what they say they show."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(monkeypatch: pytest.MonkeyPatch, name: str, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def test_every_example_is_run_here():
    assert {path.name for path in EXAMPLES.glob("*.py")} == {"drift.py", "own_training_loop.py"}


def test_drift_is_seen_in_the_feature_that_drifted(monkeypatch, capsys):
    run(monkeypatch, "drift.py")
    lines = capsys.readouterr().out.splitlines()
    verdicts = {line.split()[0]: line.endswith("drifted") for line in lines[:3]}
    assert verdicts == {"temperature": False, "pressure": False, "flow": True}


def test_training_lowers_the_loss(monkeypatch, capsys):
    run(monkeypatch, "own_training_loop.py", "60")
    losses = [
        float(line.split("energy²")[1].split(",")[0])
        for line in capsys.readouterr().out.splitlines()
    ]
    assert losses[-1] < losses[0] / 2
