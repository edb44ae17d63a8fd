"""Checkpoints: safetensors and JSON, written whole or not at all, read without running code."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load, save

from divergences.training.codec import encode
from divergences.training.history import History
from divergences.training.state import State

if TYPE_CHECKING:
    from divergences.training.run import TrainingRun

FORMAT = 1
HISTORY = "history.jsonl"
_PREFIX = "checkpoint-"
_TENSORS, _NUMBERS = "tensors.safetensors", "state.json"
_HELD_OUT = "held out"


def write_checkpoint(run: TrainingRun, folder: Path) -> Path:
    """Write a checkpoint, then remove older ones.

    All files are on the disk, under a name that `latest_checkpoint` overlooks, before one rename
    makes them the latest. Whenever the process is killed, the latest one is whole.

    Raises
    ------
    FileExistsError
        If the folder holds a checkpoint of another training.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = State.of(run.trainer)
    numbers: dict[str, Any] = {
        "format": FORMAT,
        "settings": {name: encode(value) for name, value in vars(run.settings).items()},
        "state": state.numbers,
        "stopped": run.stopped,
        "history": run.history.to_jsonl().splitlines(),
    }
    target = folder / f"{_PREFIX}{run.step:012d}"
    _refuse_strangers(folder, numbers["settings"])
    if target.exists():
        return target
    unfinished = folder / f".unfinished-{os.getpid()}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    tensors = {**state.tensors, _HELD_OUT: run.held_out.contiguous()}
    _write(unfinished / _TENSORS, save(tensors))
    _write(unfinished / _NUMBERS, json.dumps(numbers, indent=1).encode())
    _sync(unfinished)
    os.replace(unfinished, target)
    _sync(folder)
    for path in folder.iterdir():
        older = path.name.startswith(_PREFIX) and path.name < target.name
        if older or path.name.startswith(".unfinished-"):
            shutil.rmtree(path, ignore_errors=True)
    return target


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint of a folder; None where there is none."""
    found = sorted(folder.glob(f"{_PREFIX}*")) if folder.is_dir() else []
    return found[-1] if found else None


def read_checkpoint(folder: Path) -> tuple[State, torch.Tensor, History, dict[str, Any]]:
    """State, held-out data, history and the rest of the newest checkpoint.

    Raises
    ------
    FileNotFoundError
        If the folder holds none.
    ValueError
        If it is of another format.
    """
    path = latest_checkpoint(folder)
    if path is None:
        raise FileNotFoundError(
            f"folder must hold a checkpoint, but {folder} has none. Checkpoints are written by "
            f"minimize(..., folder=...) and run.save(folder)."
        )
    numbers = json.loads((path / _NUMBERS).read_text(encoding="utf-8"))
    if numbers["format"] != FORMAT:
        raise ValueError(
            f"folder must hold a checkpoint of format {FORMAT}, but {path} has format "
            f"{numbers['format']}: another version of divergences wrote it."
        )
    tensors = load((path / _TENSORS).read_bytes())
    held_out = tensors.pop(_HELD_OUT)
    state = State(tensors, numbers["state"])
    return state, held_out, History.from_jsonl(numbers["history"]), numbers


def write_history(history: History, folder: Path) -> None:
    """Replace the JSONL file of a folder by what the history holds, at once."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{HISTORY}-{os.getpid()}"
    _write(unfinished, history.to_jsonl().encode())
    os.replace(unfinished, folder / HISTORY)


def _refuse_strangers(folder: Path, settings: dict[str, Any]) -> None:
    path = latest_checkpoint(folder)
    if path is None:
        return
    other = json.loads((path / _NUMBERS).read_text(encoding="utf-8"))["settings"]
    if other["seed"] != settings["seed"] or other["definition"] != settings["definition"]:
        raise FileExistsError(
            f"folder must be empty or hold checkpoints of this training, but {path} is of another "
            f"one. Name another folder."
        )


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    # A rename is on the disk only once its folder is. Windows cannot open folders.
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
