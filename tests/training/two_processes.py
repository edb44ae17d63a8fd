"""Train under several objectives and write the weights: alone, or as one of several processes.

    python tests/training/two_processes.py FILE

Started by `torchrun`, or with the variables that it sets, the processes share each batch.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from safetensors.torch import save_file
from torch.utils.data import DataLoader

import divergences as dv
from divergences.networks.perceptron import Perceptron
from divergences.networks.seeds import seeded

DATA = np.random.default_rng(0).normal(size=(200, 2))
PLANE = torch.distributions.Independent(
    torch.distributions.Normal(torch.zeros(2, dtype=torch.float64), 1.0), 1
)
CASES = {
    "logistic critic": (dv.JensenShannon(), {"regularizers": [dv.Packing(2), dv.R1(), dv.R2()]}),
    "pairing": (dv.RelativisticPairing(), {}),
    "Lipschitz critic": (dv.Wasserstein(1), {"method": "adversarial"}),
    "kernel densities": (dv.JensenShannon(), {"method": dv.AnnealedKDE()}),
    "transport": (dv.Wasserstein(2), {}),
    "sliced": (dv.SlicedWasserstein(), {}),
    "Sinkhorn": (dv.Sinkhorn(), {}),
    "MMD": (dv.MMD(), {}),
}


def train(case: str) -> dv.TrainingRun:
    """A few steps in double precision."""
    definition, options = CASES[case]
    with seeded(np.random.default_rng(0)):
        g = Perceptron(2, 2, width=16).double()
    return dv.minimize(
        definition,
        dv.Pushforward(g, PLANE),
        DATA,
        steps=4,
        batch_size=16,
        monitor=dv.Monitor(dv.Energy(), points=20, every=4),
        rng=0,
        progress=False,
        **options,
    )


def main(path: str) -> None:
    """Train all, and write what the first process has."""
    torch.set_num_threads(1)
    weights = {}
    for case in CASES:
        run = train(case)
        for name, value in run.generator.state_dict().items():
            weights[f"{case}/{name}"] = value.contiguous()
        assert run.step == 4

    # Each process has a loader of its own, and a callback of the first ends them all.
    def stop(run: dv.TrainingRun, row: dv.Row) -> None:
        run.stop("enough")

    loader = DataLoader(torch.as_tensor(DATA), batch_size=8, shuffle=True)
    g_mu = dv.Pushforward(Perceptron(2, 2, width=16), PLANE)
    run = dv.minimize(
        dv.SlicedWasserstein(), g_mu, loader, steps=50, callbacks=[stop], rng=None, progress=False
    )
    assert run.step == 1
    if run.trainer.workers.leads:
        save_file(weights, path)
    # Who leaves while the other still listens may be ended by its threads.
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1])
