"""Everything that a training needs to go on, as tensors and numbers, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from divergences.training.loop import Trainer

Tensors = dict[str, torch.Tensor]
Numbers = dict[str, Any]


@dataclass(frozen=True, eq=False)
class State:
    """A trainer at one step. Random draws follow from the seed and the step.

    Parameters
    ----------
    tensors : dict of Tensor
        Weights, buffers and what optimizers remember.
    numbers : dict
        JSON: the step, the position in the data, the optimizers' settings.
    """

    tensors: Tensors
    numbers: Numbers

    @classmethod
    def of(cls, trainer: Trainer) -> State:
        """Copy the state of a trainer."""
        tensors: Tensors = {}
        for name, module in modules_of(trainer).items():
            for key, value in module.state_dict().items():
                tensors[f"{name}/{key}"] = value.detach().clone().contiguous()
        settings = {}
        for name, optimizer in _optimizers(trainer).items():
            saved = optimizer.state_dict()
            numbers: Numbers = {}
            for index, remembered in saved["state"].items():
                for key, value in remembered.items():
                    if isinstance(value, torch.Tensor):
                        place = f"optimizer of {name}/{index}/{key}"
                        tensors[place] = value.detach().clone().contiguous()
                    else:
                        numbers.setdefault(str(index), {})[key] = value
            settings[name] = {"groups": saved["param_groups"], "numbers": numbers}
        position = trainer.data.position
        return cls(tensors, {"step": trainer.step, "position": position, "optimizers": settings})

    def restore(self, trainer: Trainer) -> None:
        """Put a trainer of the same networks into this state.

        Raises
        ------
        ValueError
            If the networks have other parameters.
        """
        for name, module in modules_of(trainer).items():
            _load(name, module, self._part(name))
        for name, optimizer in _optimizers(trainer).items():
            saved = self.numbers["optimizers"][name]
            state: dict[int, Any] = {int(i): dict(kept) for i, kept in saved["numbers"].items()}
            for place, value in self._part(f"optimizer of {name}").items():
                index, key = place.split("/")
                state.setdefault(int(index), {})[key] = value.clone()
            optimizer.load_state_dict({"state": state, "param_groups": saved["groups"]})
        trainer.step = self.numbers["step"]
        trainer.data.seek(self.numbers["position"])

    def _part(self, name: str) -> Tensors:
        start = f"{name}/"
        return {
            key.removeprefix(start): value
            for key, value in self.tensors.items()
            if key.startswith(start)
        }


def modules_of(trainer: Trainer) -> Mapping[str, nn.Module]:
    """Every network of a trainer, by name."""
    return {
        "generator": trainer.generator,
        "average": trainer.average.module,
        **trainer.objective.modules,
    }


def _optimizers(trainer: Trainer) -> Mapping[str, torch.optim.Optimizer]:
    return {"generator": trainer.optimizer, **trainer.objective.optimizers}


def _load(name: str, module: nn.Module, saved: Tensors) -> None:
    own = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    kept = {key: tuple(value.shape) for key, value in saved.items()}
    if own != kept:
        differing = sorted(key for key in {*own, *kept} if own.get(key) != kept.get(key))
        raise ValueError(
            f"{name} must be the network that was saved, but {differing[0]} has shape "
            f"{own.get(differing[0])} here and {kept.get(differing[0])} in the checkpoint. Make "
            f"it as it was made then."
        )
    module.load_state_dict(saved)
