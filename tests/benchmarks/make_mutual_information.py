"""Draw the samples of the mutual-information benchmark, in an environment of its own.

The tasks are those of Czyż, Grabowski, Vogt, Beerenwinkel and Marx (2023), from their package,
which needs an old jax:

    python3.11 -m venv bmi && bmi/bin/pip install "jax==0.4.30" "jaxlib==0.4.30" "numpy<2"
    bmi/bin/pip install benchmark-mi
    bmi/bin/python tests/benchmarks/make_mutual_information.py

The truths go into the file beside this one; the samples, 9 MB, go where records are kept.
"""

import argparse
import json
from pathlib import Path

import numpy as np

ROWS = 4000
SEED = 0
TASKS = Path(__file__).with_name("mutual_information.json")


def main() -> None:
    from bmi.benchmark import BENCHMARK_TASKS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("benchmark-output"))
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    contents, samples = {}, {}
    for name, task in BENCHMARK_TASKS.items():
        x, y = task.sample(ROWS, seed=SEED)
        samples[name] = np.hstack([x, y]).astype(np.float32)
        contents[name] = {
            "columns": [int(task.dim_x), int(task.dim_y)],
            "nats": float(task.mutual_information),
        }
    np.savez_compressed(folder / "mutual_information.npz", **samples)
    TASKS.write_text(json.dumps(contents, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
