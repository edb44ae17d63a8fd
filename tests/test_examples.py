"""The examples run, and show what they say they show."""

from __future__ import annotations

import re
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
LECTURE = (
    "alternating_minimization",
    "approaches",
    "kernel_density",
    "latent_space",
    "network_capacity",
    "pushforwards",
    "saturation",
    "univariate_and_bivariate",
    "variational_form",
)


def run(monkeypatch: pytest.MonkeyPatch, name: str, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def test_every_example_is_run_here():
    known = {"drift.py", "fabric.py", "own_training_loop.py", *(f"{name}.py" for name in LECTURE)}
    assert {path.name for path in EXAMPLES.glob("*.py")} == known


def test_drift_is_seen_in_the_feature_that_drifted(monkeypatch, capsys):
    run(monkeypatch, "drift.py")
    lines = capsys.readouterr().out.splitlines()
    verdicts = {line.split()[0]: line.endswith("drifted") for line in lines[:3]}
    assert verdicts == {"temperature": False, "pressure": False, "flow": True}


def test_training_lowers_the_loss(monkeypatch, capsys):
    run(monkeypatch, "own_training_loop.py", "60")
    lines = capsys.readouterr().out.splitlines()
    losses = [number_after("energy²", line) for line in lines if "energy²" in line]
    assert losses[-1] < losses[0] / 2
    for name in ("energy²", "soft reverse KL"):
        js = [number_after("JS =", line) for line in lines if name in line]
        assert js[-1] < 0.6 * js[0]


@pytest.mark.skipif(not find_spec("lightning_fabric"), reason="needs lightning-fabric")
def test_fabric_drives_the_same_game(monkeypatch, capsys):
    run(monkeypatch, "fabric.py", "200")
    assert number_after("JS =", capsys.readouterr().out) < 0.2


def draw(monkeypatch, folder: Path, capsys, name: str) -> list[str]:
    """Draw a picture of the lecture in its short form, and return what it prints."""
    run(monkeypatch, f"{name}.py", "--short", "--folder", str(folder))
    assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    return capsys.readouterr().out.splitlines()


def number_after(words: str, line: str) -> float:
    found = re.search(re.escape(words) + r" *(-?[0-9.]+)", line)
    assert found, f"no number after {words!r} in {line!r}"
    return float(found.group(1))


def agrees(line: str, truth: float) -> bool:
    """Whether the truth is within twice the reach of the 95 % interval: 1 in 10,000 is not."""
    low, high = (float(end) for end in re.search(r"interval (\S+) to ([^;]+);", line).groups())
    return abs(truth - (low + high) / 2) <= high - low


def test_pushforwards_follow_their_exact_laws(monkeypatch, tmp_path, capsys):
    lines = draw(monkeypatch, tmp_path, capsys, "pushforwards")
    assert len(lines) == 12
    for own, other, exact in zip(lines[1::4], lines[2::4], lines[3::4], strict=True):
        assert agrees(own, 0.0)
        assert agrees(other, number_after("JS =", exact))


def test_kernel_densities_are_as_far_from_the_truth_as_their_draws(monkeypatch, tmp_path, capsys):
    lines = draw(monkeypatch, tmp_path, capsys, "kernel_density")
    drawn = [line for line in lines if "interval" in line]
    assert len(drawn) == 4
    for line in drawn:
        assert agrees(line, number_after("integral", line))


def test_saturation_estimates_agree_with_exact_values(monkeypatch, tmp_path, capsys):
    lines = draw(monkeypatch, tmp_path, capsys, "saturation")
    exact = [number_after("exact", line) for line in lines if "exact" in line and "JS" in line]
    assert exact == [0.0, 0.6931, 0.6931, 0.0, 0.6759, 0.6931]
    drawn = [line for line in lines if "interval" in line]
    assert len(drawn) >= 6
    for line in drawn:
        assert agrees(line, number_after("exact", line))


def test_the_variational_form_has_three_equal_sides(monkeypatch, tmp_path, capsys):
    lines = draw(monkeypatch, tmp_path, capsys, "variational_form")
    js, kl_p, kl_g, constant, linear, quadratic, best, learned = (
        number_after("exact", line) for line in lines
    )
    assert kl_p + kl_g == pytest.approx(js, abs=2e-6)
    assert best == pytest.approx(js, abs=2e-6)
    assert quadratic == pytest.approx(js, abs=2e-6)
    assert constant < linear < learned < js
    assert agrees(lines[0], js / 2)
    assert agrees(lines[1], kl_p)
    assert agrees(lines[2], kl_g)


def test_approaches_are_measured_and_those_without_a_density_say_so(monkeypatch, tmp_path, capsys):
    lines = draw(monkeypatch, tmp_path, capsys, "approaches")
    rows = [line for line in lines if " (" in line and " to " in line]
    assert len(rows) == 3 * 6
    assert sum(" none " in row for row in rows) == 3 * 3
    # On the line a mixture of two laws is no single normal.
    mixture, single = (number_after("ln f", "ln f" + row[45:]) for row in rows[1:3])
    assert mixture > single


def test_a_larger_lambda_blurs_and_draws_codes_together(monkeypatch, tmp_path, capsys):
    lines = draw(monkeypatch, tmp_path, capsys, "latent_space")
    small, middle, large = lines[1:]
    losses = [number_after("reconstruction loss", line) for line in (small, middle, large)]
    assert losses == sorted(losses)
    assert number_after("KL", large.partition("loss")[2]) < number_after(
        "KL", small.partition("loss")[2]
    )


def test_the_critic_of_the_first_gan_nears_the_best_one(monkeypatch, tmp_path, capsys):
    lines = draw(monkeypatch, tmp_path, capsys, "alternating_minimization")
    values = [number_after(": V", line) for line in lines[:-1]]
    best = [number_after("best critic", line) for line in lines[:-1]]
    assert abs(values[-1] - best[-1]) < abs(values[0] - best[0]) / 2
    assert best[-1] < best[0]
    assert number_after(": V", lines[-1]) == -1.3863


def test_every_capacity_is_rated(monkeypatch, tmp_path, capsys):
    lines = draw(monkeypatch, tmp_path, capsys, "network_capacity")
    assert [number_after(",", line.split("width")[1]) for line in lines] == [6, 12, 24]


def test_models_that_are_fitted_come_nearer_than_one_hardly_trained(monkeypatch, tmp_path, capsys):
    lines = draw(monkeypatch, tmp_path, capsys, "univariate_and_bivariate")
    for law in ("bumps", "ring"):
        mixture, density, *networks = (
            number_after("JS =", line) for line in lines if line.startswith(law)
        )
        assert len(networks) == 2
        assert mixture < min(networks) / 4
        assert density < min(networks) / 4
