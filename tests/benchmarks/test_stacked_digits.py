"""Stacked digits: data, judge and score know what they should, and a contender runs end to end."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.benchmarks import digit_picture, stacked_digits
from tests.benchmarks.digit_judge import KINDS, SHAPE, Digits, judge, real_digits, score, stack
from tests.benchmarks.generation import records
from tests.benchmarks.stacked_digits import (
    CONTENDERS,
    RATED_STACKS,
    REAL,
    TRAININGS,
    run,
    run_real,
)

# Four standard errors: one false alarm in 16,000 checks.
ERRORS = 4.0


def draw(digits: Digits, n: int, seed: int = 0) -> np.ndarray:
    return stack(digits, n, np.random.default_rng(seed))


def kl_to_equal(shares: np.ndarray) -> float:
    return float(np.sum(shares * np.log(shares * len(shares))))


def test_the_digits_are_split_once_and_by_class():
    learned, held_out = real_digits()
    assert (len(learned.labels), len(held_out.labels)) == (1198, 599)
    both = np.bincount(learned.labels) / 1198, np.bincount(held_out.labels) / 599
    np.testing.assert_allclose(*both, atol=1 / 599)
    assert learned.pixels.min() == -1
    assert learned.pixels.max() == 1


def test_stacks_are_of_all_kinds_equally_and_of_real_digits():
    _, held_out = real_digits()
    # The first pixels of a digit that shows its class tell the class of a stack.
    marked = replace(held_out, pixels=np.repeat(held_out.labels[:, None] / 10, 64, axis=1))
    stacks = draw(marked, 50_000)
    assert stacks.shape == (50_000, *SHAPE)
    kinds = np.round(10 * stacks[:, :, 0, 0]).astype(int) @ [100, 10, 1]
    counts = np.bincount(kinds, minlength=KINDS)
    # The chi-squared statistic of equal kinds, of mean 999 and variance 2 x 999.
    statistic = np.sum((counts - 50) ** 2) / 50
    assert abs(statistic - 999) < ERRORS * math.sqrt(2 * 999)
    real = {row.tobytes() for row in held_out.pixels.astype(np.float32)}
    digits = draw(held_out, 100).reshape(-1, 64)
    assert all(row.tobytes() in real for row in digits)


def test_the_judge_is_right_on_digits_that_it_has_not_seen():
    assert judge().accuracy == pytest.approx(0.9933, abs=1e-4)
    _, held_out = real_digits()
    found = judge().labels(np.repeat(held_out.pixels, 3, axis=0))
    assert (found == held_out.labels[:, None]).mean() == pytest.approx(judge().accuracy)
    assert judge().digit_like(held_out.pixels) == pytest.approx(0.95, abs=0.002)


def test_real_digits_have_all_modes_and_the_divergence_of_chance():
    _, held_out = real_digits()
    record = run_real(0)
    # What the judge makes of the classes, exactly; the channels are independent.
    judged = judge().classifier.predict(held_out.pixels)
    confusion = np.array(
        [np.bincount(judged[held_out.labels == k], minlength=10) for k in range(10)]
    )
    of_judge = 3 * kl_to_equal((confusion / confusion.sum(axis=1, keepdims=True)).mean(axis=0))
    expected = of_judge + (KINDS - 1) / (2 * RATED_STACKS)
    # Half a chi-squared variable over n, and the mean of the logarithms.
    variance = (KINDS - 1) / (2 * RATED_STACKS**2) + 2 * of_judge / RATED_STACKS
    assert record.modes == KINDS
    assert abs(record.kl - expected) < ERRORS * math.sqrt(variance)
    share = judge().digit_like(held_out.pixels)
    assert abs(record.digit_like - share) < ERRORS * math.sqrt(share * (1 - share) / 6000)


def test_missing_modes_are_missed():
    _, held_out = real_digits()
    one = score(np.repeat(draw(held_out, 1), 1000, axis=0))
    assert (one.modes, one.kl) == (1, pytest.approx(math.log(1000)))
    # Digits that the judge gets right, without the zeros.
    right = judge().classifier.predict(held_out.pixels) == held_out.labels
    kept = np.flatnonzero(right & (held_out.labels > 0))
    order = kept[np.argsort(held_out.labels[kept], kind="stable")]
    several = order[np.random.default_rng(0).integers(len(order), size=(20_000, 3))]
    found = score(held_out.pixels[several])
    assert found.modes == 9**3
    assert found.kl > 3 * math.log(10 / 9)


def test_noise_has_modes_but_does_not_look_like_digits():
    noise = np.random.default_rng(0).uniform(-1, 1, size=(500, *SHAPE))
    assert score(noise).digit_like == 0


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(stacked_digits, "RATED_STACKS", 500)
    monkeypatch.setattr(stacked_digits, "TRAINING_STACKS", 1000)


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda each: each.name)
def test_contenders_run(contender, small):
    record = run(contender, 0, 0.1)
    assert record.steps == round(100 / contender.milliseconds)
    assert 1 <= record.modes <= 500
    assert 0 < record.kl <= math.log(KINDS)
    assert record.judge_accuracy == judge().accuracy


def test_a_seed_repeats_itself(small):
    first, again, other = (run(CONTENDERS[0], seed, 0.05) for seed in (0, 0, 1))
    assert replace(first, seconds=0.0) == replace(again, seconds=0.0)
    assert other.kl != first.kl


def test_a_run_goes_on_where_it_stopped(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(digit_picture, "PICTURE", tmp_path / "picture.png")
    monkeypatch.setitem(TRAININGS, "plain GAN, 10 s", (CONTENDERS[-1], 0.1))
    output = ["--output", str(tmp_path)]
    stacked_digits.main(["--only", "plain GAN, 10 s", "--seeds", "1", *output])
    stacked_digits.main(["--only", REAL, "--seeds", "1", *output])
    before = records.read("digits", tmp_path)
    stacked_digits.main(["--only", REAL, "--seeds", "2", *output])
    after = records.read("digits", tmp_path)
    assert [(each.method, each.seed) for each in after] == [
        ("plain GAN, 10 s", 0), (REAL, 0), (REAL, 1),
    ]  # fmt: skip
    assert after[:2] == before
    assert after[0].scores["modes"] > 0
    assert "99.33%" in capsys.readouterr().out
    assert (tmp_path / "picture.png").stat().st_size > 1000


def test_the_table_says_what_the_records_say():
    scores = {"KL": 0.25, "digit_like": 0.5, "training_steps": 10.0, "training_seconds": 2.0}
    measured = [
        records.Record("plain GAN, 10 s", seed, scores=scores | {"modes": modes})
        for seed, modes in enumerate((900.0, 1000.0))
    ]
    printed = stacked_digits.table(measured)
    assert "950.0 (900 to 1000)" in printed
    assert "0.2500 (0.2500 to 0.2500)" in printed
    assert "pairing" not in printed
