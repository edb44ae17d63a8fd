"""The variational form of Jensen–Shannon, checked by closed form, by quadrature and from samples.

With p~ = (p + p_g)/2 and s = 1/(1 + e^-l),

    2 JS(p, p_g) = KL(p, p~) + KL(p_g, p~) = sup over critics l of J(l),
    J(l) = ln 4 + E_p[ln s(X)] + E_p_g[ln(1 - s(Y))],

attained at l = ln(p/p_g). All other critics give less.

    python examples/variational_form.py [--short] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.polynomial import Polynomial
from scipy.optimize import minimize
from scipy.special import expit, log_expit
from scipy.stats import norm
from torch.distributions import Categorical, MixtureSameFamily, Normal

import divergences as dv
from divergences.report.colors import CRITIC_COLOR, FAINT, P_COLOR, Q_COLOR, tidy

P, G = norm(0, 1), norm(1, 2)
MIXTURE = MixtureSameFamily(
    Categorical(torch.ones(2)), Normal(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 2.0]))
)
GRID = np.linspace(-20, 22, 10_001)


def optimal(x: np.ndarray) -> np.ndarray:
    return P.logpdf(x) - G.logpdf(x)


# Three families of critics that leave the optimal one, l, at t = 0.
FAMILIES = {
    "(1 + t) l": lambda t: lambda x: (1 + t) * optimal(x),
    "l + t": lambda t: lambda x: optimal(x) + t,
    "l + 2t sin 2x": lambda t: lambda x: optimal(x) + 2 * t * np.sin(2 * x),
}


def integrated(critic) -> float:
    """J(l) by the trapezoidal rule."""
    logit = critic(GRID)
    terms = P.pdf(GRID) * log_expit(logit) + G.pdf(GRID) * log_expit(-logit)
    return float(np.log(4) + np.trapezoid(terms, GRID))


def averaged(critic, n: int, rng: np.random.Generator) -> tuple[float, float]:
    """J(l) from n new points of each measure, and its standard error."""
    at_p, at_g = log_expit(critic(P.rvs(n, rng))), log_expit(-critic(G.rvs(n, rng)))
    return np.log(4) + at_p.mean() + at_g.mean(), np.sqrt((at_p.var() + at_g.var()) / n)


def best_polynomial(degree: int) -> Polynomial:
    found = minimize(lambda c: -integrated(Polynomial(c)), np.zeros(degree + 1))
    return Polynomial(found.x)


def check(n: int, rng: np.random.Generator) -> dv.Estimate:
    """Print the three sides of the identity: exact, and from n points of each measure."""
    x, y = P.rvs(n, rng), G.rvs(n, rng)
    js = dv.js_divergence(x, y, method="kde", rng=rng)
    print(f"2 JS         exact {2 * dv.js_divergence(P, G):.6f}, half of it: {js}")
    for name, law, sample in (("KL(p, p~)  ", P, x), ("KL(p_g, p~)", G, y)):
        mixed = np.concatenate([P.rvs(n // 2, rng), G.rvs(n // 2, rng)])
        estimate = dv.kl_divergence(sample, mixed, rng=rng)
        print(f"{name}  exact {dv.kl_divergence(law, MIXTURE):.6f}, {estimate}")
    return js


def draw_critics(ax: Axes, learned) -> None:
    x = np.linspace(-5, 7, 500)
    for density, color, name in ((P.pdf(x), P_COLOR, "p"), (G.pdf(x), Q_COLOR, "p_g")):
        ax.fill_between(x, density, color=color, alpha=0.2, linewidth=0)
        ax.plot(x, density, color=color, label=name)
    ax.plot(x, (P.pdf(x) + G.pdf(x)) / 2, color=FAINT, linestyle="--", label="p~")
    ax.plot(x, expit(optimal(x)), color=CRITIC_COLOR, label="optimal s = p/(p + p_g)")
    ax.plot(x, expit(learned(x)), color=CRITIC_COLOR, linestyle=":", label="s learned by KDE")
    ax.set(xlabel="x", ylim=(0, 1.3))
    ax.set_title("densities, and critics as s", fontsize=10)


def draw_families(ax: Axes, n: int, rng: np.random.Generator) -> None:
    for shift, (name, family) in enumerate(FAMILIES.items()):
        fine, coarse = np.linspace(-1, 1, 101), np.linspace(-0.9, 0.9, 7) + 0.03 * shift
        values = [integrated(family(t)) for t in fine]
        ax.plot(fine, values, ("-", "--", ":")[shift], color=CRITIC_COLOR, label=name)
        found = np.transpose([averaged(family(t), n, rng) for t in coarse])
        ax.errorbar(coarse, found[0], 1.96 * found[1], fmt=".", color=FAINT, elinewidth=0.8)
    ax.set(xlabel="t", ylabel="J, nats")
    ax.set_title("critics about the optimal one, l = ln(p/p_g)", fontsize=10)


def draw_classes(ax: Axes, learned, n: int, rng: np.random.Generator) -> None:
    critics = {f"degree {k}": best_polynomial(k) for k in range(3)}
    critics |= {"ln(p/p_g)": optimal, "learned": learned}
    for place, (name, critic) in enumerate(critics.items()):
        exact, (value, stderr) = integrated(critic), averaged(critic, n, rng)
        print(f"J, {name:<9} exact {exact:.6f}, on new points {value:.4f} ± {stderr:.4f}")
        ax.bar(place, exact, color=FAINT, alpha=0.4)
        ax.errorbar(place, value, 1.96 * stderr, fmt="o", color=CRITIC_COLOR, markersize=4)
    ax.set_xticks(range(len(critics)), critics, fontsize=8)
    ax.set(ylabel="J, nats", ylim=(0, 0.34))
    ax.set_title("best polynomial l, optimal l, and l learned by KDE", fontsize=10)


def main(short: bool, folder: Path) -> None:
    n, rng = 400 if short else 4_000, np.random.default_rng(0)
    learned = check(n, rng).critic
    figure = Figure(figsize=(12.5, 3.8), layout="constrained")
    axes = figure.subplots(1, 3)
    draw_critics(axes[0], learned)
    draw_families(axes[1], n, rng)
    draw_classes(axes[2], learned, n, rng)
    for ax in axes[1:]:
        ax.axhline(2 * dv.js_divergence(P, G), color=P_COLOR, linewidth=0.8, label="2 JS")
    for ax in axes:
        ax.legend(frameon=False, fontsize=8)
        tidy(ax)
    figure.savefig(folder / "variational_form.png", dpi=110)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="2 JS as a supremum, checked in three ways.")
    parser.add_argument("--short", action="store_true", help="fewer points, in seconds")
    parser.add_argument("--folder", type=Path, default=Path(), help="where the picture goes")
    main(**vars(parser.parse_args()))
