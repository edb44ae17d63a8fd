"""Importing the package is fast, light, and leaves the world as it was."""

import subprocess
import sys
import textwrap
from functools import cache

import pytest

BEFORE_AND_AFTER = textwrap.dedent(
    """
    import sys, warnings, os, random, locale, logging, threading, signal, decimal
    import numpy as np
    {prepare}
    def world():
        state = {{
            "geterr": np.geterr(), "print": np.get_printoptions(),
            "numpy rng": repr(np.random.get_state()), "python rng": random.getstate(),
            "filters": list(warnings.filters), "show": warnings.showwarning,
            "environ": dict(os.environ), "locale": locale.setlocale(locale.LC_ALL),
            "root logger": (logging.root.level, list(logging.root.handlers)),
            "threads": threading.active_count(), "cwd": os.getcwd(),
            "sigint": signal.getsignal(signal.SIGINT), "decimal": str(decimal.getcontext()),
            "recursion": sys.getrecursionlimit(), "path": list(sys.path),
            "hooks": (sys.excepthook, sys.displayhook),
        }}
        if "torch" in sys.modules:
            import torch
            state |= {{
                "dtype": torch.get_default_dtype(), "torch rng": torch.get_rng_state().tolist(),
                "torch threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
                "grad": torch.is_grad_enabled(), "device": str(torch.get_default_device()),
                "deterministic": torch.are_deterministic_algorithms_enabled(),
                "anomaly": torch.is_anomaly_enabled(),
                "validate": torch.distributions.Distribution._validate_args,
                "matmul": torch.get_float32_matmul_precision(),
            }}
        if "sklearn" in sys.modules:
            import sklearn
            state["sklearn"] = sklearn.get_config()
        return state
    before = world()
    {act}
    after = world()
    for name, value in before.items():
        assert after[name] == value, name
    """
)

TOUCH_EVERYTHING = "import divergences as dv; [getattr(dv, name) for name in dv.__all__]"
USE_IT = """
import divergences as dv
x = np.random.default_rng(0).normal(size=(60, 1))
dv.compare(x, x + 0.5, rng=0, progress=False)
"""


@cache
def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_takes_less_than_three_tenths_of_a_second():
    code = (
        "import time; t = time.perf_counter(); import divergences; print(time.perf_counter() - t)"
    )
    assert min(float(run(code + " " * trial)) for trial in range(5)) < 0.3


def test_names_are_listed_without_loading_heavy_libraries():
    assert "js_divergence" in run("import divergences; print(*dir(divergences))").split()


@pytest.mark.parametrize(
    "heavy", ["torch", "sklearn", "ot", "matplotlib", "pandas", "polars", "pyarrow", "scipy.stats"]
)
def test_import_leaves_heavy_libraries_alone(heavy):
    assert heavy not in run("import sys, divergences; print(*sys.modules)").split()


@pytest.mark.parametrize("heavy", ["torch", "sklearn", "ot", "matplotlib"])
def test_the_door_and_the_definitions_need_none_of_them(heavy):
    code = (
        "import sys, divergences as dv; dv.JensenShannon(), dv.Wasserstein(2); "
        "dv.wasserstein_distance; print(*sys.modules)"
    )
    assert heavy not in run(code).split()


@pytest.mark.parametrize(
    ("prepare", "act"),
    [
        ("", "import divergences"),
        ("import torch, sklearn.base", "import divergences"),
        # Loading scikit-learn adds filters of its own, which are not ours to judge.
        ("import torch, sklearn.base", TOUCH_EVERYTHING),
    ],
    ids=["bare", "torch loaded", "every name"],
)
def test_import_changes_no_global_state(prepare, act):
    run(BEFORE_AND_AFTER.format(prepare=prepare, act=act))


def test_use_changes_no_global_state():
    prepare = "import torch, sklearn, sklearn.model_selection, ot, scipy.stats, tqdm"
    run(BEFORE_AND_AFTER.format(prepare=prepare, act=USE_IT.strip()))


def test_the_state_check_sees_a_change():
    with pytest.raises(AssertionError, match="geterr"):
        run(BEFORE_AND_AFTER.format(prepare="", act="np.seterr(all='ignore')"))
    with pytest.raises(AssertionError, match="torch rng"):
        run(BEFORE_AND_AFTER.format(prepare="import torch", act="torch.rand(1)"))
