"""Draw the pictures of the README and the site, all of them or those that are named.

.venv/bin/python docs/images/make_pictures.py [NAME ...]
"""

import io
import runpy
import sys
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

import divergences as dv

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "examples"
LECTURE = (
    "pushforwards",
    "kernel_density",
    "saturation",
    "variational_form",
    "univariate_and_bivariate",
    "network_capacity",
    "alternating_minimization",
)


def rings(n: int, turn: float, rng: np.random.Generator) -> np.ndarray:
    """Draw from eight normal distributions around a circle."""
    angle = (rng.integers(8, size=n) + turn) * np.pi / 4
    center = 2 * np.column_stack([np.cos(angle), np.sin(angle)])
    return center + rng.normal(scale=0.35, size=(n, 2))


def critic() -> None:
    """The README's picture: two samples on the map of their critic."""
    rng = np.random.default_rng(0)
    p, q = rings(1500, 0.0, rng), rings(1500, 0.5, rng)
    ax = dv.js_divergence(p, q).plot()
    ax.figure.savefig(HERE / "critic.png", dpi=110)


def lecture(name: str) -> None:
    """The picture of an example, and beside it what the example prints."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"](short=False, folder=HERE)
    (HERE / f"{name}.txt").write_text(printed.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    chosen = sys.argv[1:] or ["critic", *LECTURE]
    for name in chosen:
        print(name)
        critic() if name == "critic" else lecture(name)
