"""Random draws of torch modules from a numpy generator, torch's own state put back afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

# Modules draw from one state of the whole process: two threads inside would take turns at it.
_TURN = threading.RLock()


@contextmanager
def seeded(rng: np.random.Generator) -> Iterator[None]:
    """Let torch's global draws follow `rng`, one thread at a time, and restore them.

    Modules draw their parameters and their dropout from torch's global random state, which is
    forked here, on the CPU and on each CUDA device in use. Threads wait for each other.

    Parameters
    ----------
    rng : Generator
        Gives the seed.

    Examples
    --------
    >>> before = torch.get_rng_state()
    >>> with seeded(np.random.default_rng(0)):
    ...     first = torch.nn.Linear(2, 1)
    >>> with seeded(np.random.default_rng(0)):
    ...     second = torch.nn.Linear(2, 1)
    >>> torch.equal(first.weight, second.weight), torch.equal(before, torch.get_rng_state())
    (True, True)
    """
    seed = int(rng.integers(2**63))
    in_use = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    devices = list(range(torch.cuda.device_count())) if in_use else []
    with _TURN, torch.random.fork_rng(devices=devices):
        # torch.manual_seed would also seed devices that are not in use yet, for good.
        torch.default_generator.manual_seed(seed)
        if devices:
            torch.cuda.manual_seed_all(seed)
        yield
