"""Right claims lie on the diagonal, overconfident ones do not, and nothing is left out unsaid."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from standins import estimate, samples

import divergences as dv
from divergences.estimate import Estimate
from divergences.inference.lower_bound import Fresh
from divergences.report import plot_calibration, plot_estimate
from divergences.report.calibration import Calibration


def rated(*parts, d=1):
    """An estimate whose fresh log-ratios are given."""
    made = estimate(d=d)
    fresh = Fresh(made.definition, tuple((np.asarray(p), np.asarray(q)) for p, q in parts))
    return Estimate(replace(made.reading, fresh=fresh), made.circumstances)


def oracle(n, m, seed=0):
    """True log-ratios at points of N(0, 1) and N(1, 1)."""
    rng = np.random.default_rng(seed)
    return 0.5 - rng.normal(0, 1, n), 0.5 - rng.normal(1, 1, m)


def worst(bins):
    return np.abs((bins.observed - bins.claimed) / bins.stderr).max()


# Ten normal bins exceed four standard errors in one of 1,500 tests.
@pytest.mark.parametrize(("n", "m"), [(800, 800), (600, 1500), (200_000, 100_000)])
def test_right_claims_lie_on_the_diagonal(n, m):
    bins = Calibration.of(*oracle(n, m))
    assert len(bins.claimed) == 10
    assert worst(bins) < 4


@pytest.mark.parametrize("factor", [3, 1 / 3])
def test_overconfident_and_timid_claims_do_not(factor):
    at_p, at_q = oracle(800, 800)
    bins = Calibration.of(factor * at_p, factor * at_q)
    assert worst(bins) > 6
    slope = np.polyfit(bins.claimed, bins.observed, 1)[0]
    assert (slope < 0.6) == (factor > 1)


def test_fitted_critic_is_calibrated():
    rng = np.random.default_rng(3)
    x, y = rng.normal(0, 1, 800), rng.normal(1, 1, 800)
    found = dv.js_divergence(x, y, method="classifier", rng=0)
    bins = Calibration.of(*found.reading.fresh.pooled)
    assert worst(bins) < 4


def test_standard_error_is_the_spread_over_samples():
    p, q, n, m = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5]), 2000, 1000
    rng, claims = np.random.default_rng(1), np.log(p / q)
    squares = []
    for of_p, of_q in zip(rng.multinomial(n, p, 1000), rng.multinomial(m, q, 1000), strict=True):
        bins = Calibration.of(np.repeat(claims, of_p), np.repeat(claims, of_q))
        squares.append(((bins.observed - claims[::-1]) / bins.stderr) ** 2)
    # Squares of normal numbers have variance 2: one of 5,000 such tests fails by chance.
    np.testing.assert_allclose(np.mean(squares, axis=0), 1, atol=4 * np.sqrt(2 / 1000))


def test_bins_by_hand():
    bins = Calibration.of(np.array([0.0, 0, 0, 1]), np.array([0.0, 1]))
    np.testing.assert_allclose(bins.claimed, [0, 1], atol=1e-12)
    np.testing.assert_allclose(bins.observed, np.log([3 / 2, 1 / 2]))
    np.testing.assert_allclose(
        bins.stderr, np.sqrt([1 / 3 - 1 / 4 + 1 - 1 / 2, 1 - 1 / 4 + 1 - 1 / 2])
    )


def test_picture_shows_the_bins_of_all_parts():
    at_p, at_q = oracle(400, 300)
    ax = plot_calibration(rated((at_p[:200], at_q[:150]), (at_p[200:], at_q[150:])))
    bins = Calibration.of(at_p, at_q)
    points, _, bars = ax.containers[0]
    np.testing.assert_allclose(points.get_data(), [bins.claimed, bins.observed])
    ends = np.array([segment[:, 1] for segment in bars[0].get_segments()])
    np.testing.assert_allclose(np.ptp(ends, axis=1), 2 * bins.stderr)
    assert ax.get_xlim() == ax.get_ylim()
    assert ax.get_ylim()[0] < ends.min()
    assert ax.get_ylim()[1] > ends.max()


def test_labels():
    ax = plot_calibration(rated(oracle(400, 300)))
    assert ax.get_title() == "Calibration of the critic, JS"
    assert ax.get_xlabel() == "claimed ln(p/q), at points the critic was not fitted to"
    assert ax.get_ylabel() == "observed ln(p/q)"
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert shown == ["right claims", "bins of points, ± standard error"]
    assert len(ax.texts) == 0


def test_bins_of_one_sample_stand_at_the_edges():
    ax = plot_calibration(rated(([-1.0, 1, 2, 3], [-3.0, -2, -1, 1])))
    edges = {line.get_label(): line.get_data() for line in ax.lines}
    low, high = ax.get_ylim()
    np.testing.assert_allclose(edges["only P has points"], [[2, 3], [high, high]])
    np.testing.assert_allclose(edges["only Q has points"], [[-3, -2], [low, low]])


def test_infinite_claims_are_said():
    at_p, at_q = oracle(100, 100)
    at_p[:30], at_q[:30] = np.inf, -np.inf
    ax = plot_calibration(rated((at_p, at_q)))
    (said,) = ax.texts
    assert said.get_text().endswith("bins have infinite claims: not drawn")
    bins = Calibration.of(at_p, at_q)
    assert int(said.get_text()[0]) == np.isinf(bins.claimed).sum() > 0


def test_equal_claims_are_one_bin():
    bins = Calibration.of(np.zeros(30), np.zeros(20))
    np.testing.assert_allclose([bins.claimed, bins.observed, bins.stderr], 0, atol=1e-12)
    ax = plot_calibration(rated((np.zeros(30), np.zeros(20))))
    assert ax.get_xlim() == pytest.approx((-0.1, 0.1))


def test_given_axes_are_used():
    ax = Figure().subplots()
    assert dv.plot_calibration(rated(oracle(50, 50)), ax=ax) is ax


def test_estimate_without_fresh_log_ratios_is_refused():
    with pytest.raises(AttributeError, match="'auto: stand-in' has no log-ratios at points that"):
        plot_calibration(estimate())
    with pytest.raises(AttributeError, match=r'have them with .* method="classifier"'):
        plot_calibration(dv.wasserstein_distance(*(s.points for s in samples(1))))


def test_many_features_show_log_ratios_at_fresh_points():
    at_p, at_q = oracle(3000, 2000)
    ax = plot_estimate(rated((at_p, at_q), d=5))
    assert ax.get_xlabel() == "critic ln(p/q), at points the critic was not fitted to"
    drawn = [patch.get_data() for patch in ax.patches if patch.get_label() in ("P", "Q")]
    for stairs, values in zip(drawn, (at_p, at_q), strict=True):
        expected = np.histogram(values, stairs.edges)[0] / len(values)
        np.testing.assert_allclose(stairs.values, expected)
        assert stairs.values.sum() == pytest.approx(1)


def test_many_features_say_what_is_infinite():
    at_p, at_q = oracle(300, 200)
    at_p[:50] = np.inf
    ax = plot_estimate(rated((at_p, at_q), d=3))
    assert ax.get_xlabel().endswith("(infinite at 50 of 500 points: not drawn)")
    heights = [patch.get_data().values.sum() for patch in ax.patches if patch.get_label() == "P"]
    assert heights == pytest.approx([250 / 300])
