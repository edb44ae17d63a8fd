"""What held-out critics understate, and what their own points overstate."""

import math
from dataclasses import replace

import numpy as np
import pytest

import divergences as dv
from divergences.definitions import (
    ChiSquared,
    JensenShannon,
    KullbackLeibler,
    Renyi,
    SquaredHellinger,
)
from divergences.estimators.critics.ridge_logistic import fit_ridge, with_intercept
from divergences.estimators.ratios.log_ratio import Gap, LogRatio
from divergences.estimators.ratios.ratio import _combined, _readings, read_ratio
from divergences.measures.samples import as_samples

D, N, SHIFT = 20, 150, 0.25
SEEDS = 150


def one_fit(seed):
    rng = np.random.default_rng(seed)
    p, q = rng.normal(SHIFT, 1, (N, D)), rng.normal(0, 1, (N, D))
    labels = np.repeat([1, 0], N)
    # The penalty that describes the truth: b = (shift, ..., shift) has mean square shift².
    penalty = np.full(D, 1 / SHIFT**2)
    design = with_intercept(np.vstack([p, q]))
    fit = fit_ridge(design, labels, np.ones(2 * N), penalty)
    return p, q, fit


def truth_of(definition):
    """At the divergence between N(0, 1) and N(|shift|, 1), by quadrature."""
    size = SHIFT * math.sqrt(D)
    x = np.linspace(-12, 12, 20_001)
    log_ratio = size * x - size**2 / 2
    mass = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi) * (x[1] - x[0])
    return float(mass @ definition.generator(np.exp(log_ratio)))


@pytest.fixture(scope="module")
def fits():
    return [one_fit(seed) for seed in range(SEEDS)]


@pytest.mark.parametrize(
    "definition", [JensenShannon(), SquaredHellinger(), KullbackLeibler(), ChiSquared()]
)
def test_mean_of_held_out_and_own_value_is_unbiased_while_neither_is(fits, definition):
    # Three standard errors of the simulation: a false alarm in 370 for each divergence.
    errors = []
    for p, q, fit in fits:
        p, q = as_samples(p), as_samples(q)
        values = [
            _readings(definition, odds[: p.n], odds[p.n :], p, q)[1]
            for odds in (fit.left_out, fit.fitted)
        ]
        errors.append(np.array([*values, np.mean(values)]) - truth_of(definition))
    mean = np.mean(errors, axis=0)
    noise = np.std(errors, axis=0) / math.sqrt(SEEDS)
    print(definition.symbol, truth_of(definition), mean, noise)
    assert mean[0] < -3 * noise[0]
    assert mean[1] > 3 * noise[1]
    assert abs(mean[2]) < 3 * noise[2]


def ratio_of(seed=0, trust=1.0, **rest):
    p, q, fit = one_fit(seed)
    gap = Gap(
        (np.arange(N), np.arange(N)),
        (fit.left_out[:N], fit.left_out[N:]),
        (fit.fitted[:N], fit.fitted[N:]),
        trust,
    )
    at_p, at_q = gap.held_out
    ratio = LogRatio(at_p, at_q, lambda points: points[:, 0], gap=gap, **rest)
    return ratio, as_samples(p), as_samples(q)


def value_of(definition, pair, p, q):
    return _combined(definition, *_readings(definition, *pair, p, q))


def test_full_trust_is_the_mean_and_none_is_the_held_out_value():
    ratio, p, q = ratio_of(trust=1.0)
    held_out, own = (value_of(JensenShannon(), pair, p, q) for pair in
                     (ratio.gap.held_out, ratio.gap.fitted))  # fmt: skip
    assert read_ratio(JensenShannon(), ratio, p, q).inner == pytest.approx((held_out + own) / 2)
    without = replace(ratio, gap=replace(ratio.gap, trust=0.0))
    assert read_ratio(JensenShannon(), without, p, q).inner == pytest.approx(held_out)


def test_what_is_not_corrected_is_doubted_upward():
    ratio, p, q = ratio_of()
    trusted = read_ratio(JensenShannon(), ratio, p, q)
    distrusted = read_ratio(
        JensenShannon(), replace(ratio, gap=replace(ratio.gap, trust=0.0)), p, q
    )
    assert distrusted.doubt[0] == 0 < trusted.doubt[0]
    gap = trusted.inner - distrusted.inner
    assert distrusted.doubt[1] == pytest.approx(gap)
    assert trusted.doubt[1] >= trusted.doubt[0]


def test_half_the_data_that_show_less_and_a_rival_that_shows_more_widen_upward_only():
    ratio, p, q = ratio_of()
    alone = read_ratio(JensenShannon(), ratio, p, q)
    blind = replace(
        ratio,
        at_p=np.zeros(N),
        at_q=np.zeros(N),
        gap=replace(ratio.gap, held_out=(np.zeros(N),) * 2, fitted=(np.zeros(N),) * 2),
    )
    seeing = replace(ratio.gap, held_out=(np.full(N, 2.0), np.full(N, -2.0)))
    for wider in (replace(ratio, smaller=blind), replace(ratio, rival=seeing)):
        reading = read_ratio(JensenShannon(), wider, p, q)
        assert reading.inner == alone.inner
        assert reading.doubt[0] == alone.doubt[0]
        assert reading.doubt[1] > alone.doubt[1] + 0.1 * alone.inner


@pytest.mark.parametrize("definition", [KullbackLeibler(), ChiSquared(), Renyi(2.0)])
def test_without_a_maximum_the_doubt_is_no_smaller_share_of_the_value(definition):
    ratio, p, q = ratio_of(trust=0.0)
    bounded, unbounded = (read_ratio(each, ratio, p, q) for each in (JensenShannon(), definition))
    assert unbounded.doubt[1] / unbounded.inner >= bounded.doubt[1] / bounded.inner > 0.5


def test_gap_of_some_rows_reads_only_those():
    ratio, p, q = ratio_of()
    rows = np.arange(0, N, 3)
    part = Gap(
        (rows, rows),
        tuple(side[rows] for side in ratio.gap.held_out),
        tuple(side[rows] for side in ratio.gap.fitted),
        1.0,
    )
    found = read_ratio(JensenShannon(), replace(ratio, gap=part), p, q).inner
    some_p, some_q = p.take(rows), q.take(rows)
    held_out = value_of(JensenShannon(), ratio.gap.held_out, p, q)
    gain = value_of(JensenShannon(), part.fitted, some_p, some_q) - value_of(
        JensenShannon(), part.held_out, some_p, some_q
    )
    assert found == pytest.approx(held_out + gain / 2)


def test_error_bar_is_never_below_one_point_more_or_less():
    points = as_samples(np.zeros((N, 1)))
    nothing = (np.zeros(N), np.zeros(N))
    rows = (np.arange(N), np.arange(N))
    ratio = LogRatio(*nothing, lambda x: x[:, 0], gap=Gap(rows, nothing, nothing, 0.0))
    assert read_ratio(JensenShannon(), ratio, points, points).stderr == pytest.approx(1 / (2 * N))


@pytest.mark.parametrize("definition", [KullbackLeibler(), ChiSquared(), Renyi(2.0)])
def test_one_sided_means_take_as_much_correction_as_is_not_noise(definition):
    # A small correction whole; half of it where its variance is half of its square; none of one
    # that is no larger than its noise, or a quarter of one more than the value.
    assert _combined(definition, 0.3, 0.3, 0.0) == 0.3
    assert _combined(definition, 0.3, 0.31, 0.0) == pytest.approx(0.31, abs=1e-4)
    assert _combined(definition, 0.3, 0.31, 0.5e-4) == pytest.approx(0.305, abs=1e-4)
    assert _combined(definition, 0.3, 0.31, 1e-4) == pytest.approx(0.3)
    assert _combined(definition, 0.3, 0.1, 1e9) == 0.3
    assert _combined(definition, 0.3, 0.3 + 1.3 / 4, 0.0) == pytest.approx(0.3)
    assert _combined(definition, 0.3, -20.0, 0.0) == 0.3


@pytest.mark.parametrize("definition", [KullbackLeibler(), ChiSquared()])
def test_one_point_of_an_enormous_ratio_does_not_sway_one_sided_means(definition):
    at_p, at_q = np.full(N, 0.4), np.full(N, -0.4)
    points = as_samples(np.zeros((N, 1)))
    rows = (np.arange(N), np.arange(N))
    found = []
    for odd in (-0.4, 10.0):
        at_q[7] = odd
        gap = Gap(rows, (at_p, at_q), (at_p, at_q), 1.0)
        ratio = LogRatio(at_p, at_q, lambda x: x[:, 0], gap=gap)
        found.append(read_ratio(definition, ratio, points, points).inner)
    assert found[1] == pytest.approx(definition.point_terms(at_p, at_q)[0][0], rel=0.05)
    assert found[1] == pytest.approx(found[0], abs=0.15)


def test_divergences_that_average_over_both_take_no_correction():
    assert not JensenShannon().one_sided
    assert _combined(JensenShannon(), 0.3, 0.3, 0.0) == 0.3
    assert Renyi(2.0).one_sided
    assert not Renyi(0.5).one_sided


@pytest.mark.parametrize("method", ["auto", "classifier"])
def test_renyi_runs_through_order_one_without_a_jump(method):
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, (300, 1)), rng.normal(0.5, 0.7, (300, 1))
    below, kl, above = (
        dv.divergence(definition, x, y, method=method, rng=0)
        for definition in (Renyi(1 - 1e-7), KullbackLeibler(), Renyi(1 + 1e-7))
    )
    for found in (below, above):
        assert found == pytest.approx(kl, abs=1e-4)
        assert found.interval() == pytest.approx(kl.interval(), abs=1e-2)


def test_variational_form_halves_the_error_of_a_ratio_that_is_off():
    # ln p/q off by a constant: the mean over P is off by it, the variational form to second order.
    rng = np.random.default_rng(3)
    p, q = as_samples(rng.normal(1, 1, 4000)), as_samples(rng.normal(0, 1, 4000))
    off = [sample.points[:, 0] - 0.5 + 0.2 for sample in (p, q)]
    short, full, variance = _readings(KullbackLeibler(), *off, p, q)
    assert short == pytest.approx(0.7, abs=0.06)
    assert abs(_combined(KullbackLeibler(), short, full, variance) - 0.5) < 0.1


def test_notes_say_what_was_corrected_and_which_way_the_interval_leans():
    ratio, p, q = ratio_of()
    notes = read_ratio(JensenShannon(), ratio, p, q).notes
    assert any(note.startswith("Corrected upward by ") for note in notes)
    distrusted = replace(ratio, gap=replace(ratio.gap, trust=0.0))
    notes = read_ratio(JensenShannon(), distrusted, p, q).notes
    assert not any(note.startswith("Corrected") for note in notes)
    assert any("reaches farther up than down" in note for note in notes)
    # What critics said of points that they had not seen is what they now say of those they have.
    reverse = replace(ratio.gap, held_out=ratio.gap.fitted, fitted=ratio.gap.held_out)
    backward = replace(ratio, at_p=reverse.held_out[0], at_q=reverse.held_out[1], gap=reverse)
    notes = read_ratio(JensenShannon(), backward, p, q).notes
    assert any(
        note.startswith("Corrected downward by ") and "which chance does" in note for note in notes
    )


@pytest.mark.parametrize("definition", [ChiSquared(), Renyi(3.0)])
def test_a_ratio_that_q_does_not_bear_out_does_not_make_the_value(definition):
    rng = np.random.default_rng(0)
    p, q = (as_samples(rng.normal(size=(500, 1))) for _ in range(2))
    at_p, at_q = rng.normal(0.02, 0.2, 500), rng.normal(-0.02, 0.2, 500)
    plain = read_ratio(definition, LogRatio(at_p, at_q, None), p, q)
    far = at_p.copy()
    far[0] = 40.0
    found = read_ratio(definition, LogRatio(far, at_q, None), p, q)
    assert abs(found.inner - plain.inner) < 0.1
    assert any("larger at" in note and "q's points bear out" in note for note in found.notes)
    # A value that comes from elsewhere is none of what is read here.
    given = read_ratio(definition, LogRatio(far, at_q, None), p, q, values=(0.3, None))
    assert given.inner == 0.3
    assert not any("bear out" in note for note in given.notes)
    # It stays what the critic says where it is evaluated, and in KL, where it counts by itself.
    kl = read_ratio(KullbackLeibler(), LogRatio(far, at_q, None), p, q)
    assert kl.inner == pytest.approx(far.mean(), rel=0.1)


def test_chi_squared_of_small_samples_keeps_its_size():
    # Fits to 150 points claimed ratios of e^16 and values of up to 300,000 in half of the samples.
    for seed in range(4):
        rng = np.random.default_rng(100 + seed)
        x, y = rng.normal(0.7, 1.2, (150, 2)), rng.normal(0, 1, (150, 2))
        found = dv.chi2_divergence(x, y, rng=seed)
        # The truth: 1 + chi² is the square of exp(0.49/0.56)/(1.2 sqrt(2 - 1.44)), 7.136.
        assert 0.3 < found < 3 * 6.14
