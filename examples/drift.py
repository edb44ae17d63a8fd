"""Has this week's data drifted from last week's? Per feature, with an error bar.

python examples/drift.py
"""

from __future__ import annotations

import numpy as np

import divergences as dv

FEATURES = ("temperature", "pressure", "flow")


def week(rng: np.random.Generator, n: int, warmer: float, burstier: float) -> np.ndarray:
    temperature = rng.normal(20 + warmer, 2, n)
    pressure = 0.3 * temperature + rng.normal(0, 1, n)
    flow = rng.lognormal(0, 0.5 * (1 + burstier), n)
    return np.column_stack([temperature, pressure, flow])


def main() -> None:
    rng = np.random.default_rng(0)
    last = week(rng, 1_000, warmer=0, burstier=0)
    this = week(rng, 1_000, warmer=0, burstier=0.4)
    for feature, name in enumerate(FEATURES):
        estimate = dv.js_divergence(last[:, feature], this[:, feature], rng=0)
        low, _ = estimate.interval(0.99)
        verdict = "drifted" if low > 0 else "no drift seen"
        print(f"{name:<12} {estimate}  {verdict}")
    print(f"{'all at once':<12} {dv.js_divergence(last, this, rng=0)}")


if __name__ == "__main__":
    main()
