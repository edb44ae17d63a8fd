"""The alternating algorithm of the first GAN: both players' objective at each step.

The critic s raises V = E_p[ln s(X)] + E_mu[ln(1 - s(g(z)))], the generator g(z) = a z + b lowers
it. At the best critic V = 2 JS - ln 4, known here, as data and generator are both normal. At the
equilibrium g(z) has the law of the data, s = 1/2, V = -ln 4, and neither gains anything alone.

    python examples/alternating_minimization.py [--short] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from scipy.stats import norm
from torch import nn
from torch.distributions import Independent, Normal

import divergences as dv
from divergences.report.colors import CRITIC_COLOR, FAINT, P_COLOR, Q_COLOR, tidy

DATA = norm(2, 0.5)
LATENT = Independent(Normal(torch.zeros(1), 1.0), 1)
# The lecture's game, three steps of the critic for one of the generator. By default `minimize`
# bounds the points' weights and penalizes the critic's slope, so that it neither stalls nor swings.
GAME = dv.LogisticCritic(floor=0.0, ceiling=math.inf, steps=3)


def play(steps: int) -> tuple[dv.TrainingRun, np.ndarray]:
    """Train, and return the run with (b, |a|) after each step, the mean and spread of g(z)."""
    g, laws = nn.Linear(1, 1), []
    nn.init.constant_(g.weight, 1.0)
    nn.init.constant_(g.bias, -1.0)
    run = dv.minimize(
        dv.JensenShannon(),
        dv.Pushforward(g, LATENT),
        DATA,
        method=GAME,
        regularizers=(),
        learning_rate=5e-3,
        critic_learning_rate=1e-3,
        steps=steps,
        record_every=1,
        monitor=dv.Monitor(every=steps),
        callbacks=[lambda run, row: laws.append((g.bias.item(), abs(g.weight.item())))],
        rng=0,
    )
    return run, np.array(laws)


def best_values(laws: np.ndarray) -> np.ndarray:
    """2 JS - ln 4 of the data and of each law: V at the best critic."""
    return np.array([2 * dv.js_divergence(DATA, norm(*law)) for law in laws]) - math.log(4)


def main(short: bool, folder: Path) -> None:
    run, laws = play(60 if short else 1_000)
    step, every = run.history["step"], max(1, len(laws) // 100)
    # The package's objectives are 0 at s = 1/2; the lecture's are these.
    value = 2 * run.history["critic_objective"] - math.log(4)
    loss = 2 * run.history["generator_objective"] - math.log(2)
    best = best_values(laws[::every])

    figure = Figure(figsize=(12.0, 3.6), layout="constrained")
    critic, generator, law = figure.subplots(1, 3)
    critic.plot(step, value, color=P_COLOR, linewidth=0.6, label="V")
    critic.plot(step[::every], best, color=CRITIC_COLOR, label="2 JS - ln 4, best critic")
    critic.axhline(-math.log(4), color=FAINT, linestyle="--", label="-ln 4, equilibrium")
    critic.set_title("critic, maximizes, on the batch", fontsize=10)
    generator.plot(step, loss, color=Q_COLOR, linewidth=0.6, label="E ln(1 - s(g(z)))")
    generator.axhline(-math.log(2), color=FAINT, linestyle="--", label="-ln 2, equilibrium")
    generator.set_title("generator, minimizes, on the batch", fontsize=10)
    law.plot(step, laws[:, 0], color=Q_COLOR, label="mean b")
    law.plot(step, laws[:, 1], color=Q_COLOR, linestyle=":", label="standard deviation |a|")
    law.axhline(DATA.mean(), color=P_COLOR, linewidth=0.8, label="mean of the data")
    law.axhline(DATA.std(), color=P_COLOR, linewidth=0.8, linestyle=":", label="its deviation")
    law.set_title("law of g(z) = a z + b", fontsize=10)
    for ax in (critic, generator, law):
        ax.set_xlabel("step")
        ax.legend(frameon=False, fontsize=8)
        tidy(ax)
    figure.savefig(folder / "alternating_minimization.png", dpi=110)
    for at in range(0, len(step), max(1, len(step) // 8)):
        found = f"V {value[at]:7.4f}, at the best critic {best_values(laws[at : at + 1])[0]:7.4f}"
        print(f"step {step[at]:4d}: {found}, g(z) ~ N({laws[at, 0]:.3f}, {laws[at, 1]:.3f}²)")
    print(f"equilibrium: V {-math.log(4):.4f}, g(z) ~ N(2, 0.5²); held out {run.estimate}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Both players of the first GAN, step by step.")
    parser.add_argument("--short", action="store_true", help="few steps, in seconds")
    parser.add_argument("--folder", type=Path, default=Path(), help="where the picture goes")
    main(**vars(parser.parse_args()))
