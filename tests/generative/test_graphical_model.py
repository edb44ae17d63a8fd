"""The graph that made the data is found again, and drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy.stats import multivariate_normal

import divergences as dv
from divergences.report.colors import P_COLOR, Q_COLOR

PRECISION = np.array(
    [[2.0, -0.8, 0.0, 0.0], [-0.8, 2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.4], [0.0, 0.0, 0.4, 1.0]]
)


def draw(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.multivariate_normal([1, 2, 3, 4], np.linalg.inv(PRECISION), n)


def test_edges_of_two_separate_pairs():
    # A false edge needs a correlation beyond 0.1, which is 4.5 standard errors.
    model = dv.GraphicalModel(0.1).fit(draw(2000, 0))
    expected = PRECISION != 0
    np.fill_diagonal(expected, False)
    np.testing.assert_array_equal(model.graph(), expected)
    np.testing.assert_array_equal(model.graph(), model.graph().T)
    assert model.partial_correlations_[0, 1] > 0 > model.partial_correlations_[2, 3]


def test_without_a_penalty_it_is_the_normal_of_greatest_likelihood():
    x = draw(500, 1)
    model = dv.GraphicalModel(0).fit(x)
    normal = multivariate_normal(x.mean(axis=0), np.cov(x.T, bias=True))
    np.testing.assert_allclose(model.log_density(x), normal.logpdf(x), atol=1e-9)
    # Five standard errors of a partial correlation.
    assert model.partial_correlations_[0, 1] == pytest.approx(0.4, abs=5 * 0.84 / np.sqrt(500))


def test_solution_meets_the_conditions_of_its_optimum():
    # Of a maximum: W = K^-1 has W_ij - S_ij = penalty sign(K_ij) on edges, within it elsewhere.
    x, penalty = draw(300, 2), 0.15
    model = dv.GraphicalModel(penalty).fit(x)
    sizes = x.std(axis=0)
    slack = model.covariance_ / np.outer(sizes, sizes) - np.corrcoef(x.T)
    edges = model.graph()
    signs = np.sign(model.precision_)
    np.testing.assert_allclose(slack[edges], penalty * signs[edges], atol=1e-3)
    off = ~edges & ~np.eye(4, dtype=bool)
    assert np.abs(slack[off]).max() <= penalty + 1e-3
    np.testing.assert_allclose(np.diag(slack), 0, atol=1e-3)


def test_precision_inverts_covariance():
    model = dv.GraphicalModel(rng=0).fit(draw(300, 3))
    np.testing.assert_allclose(model.precision_ @ model.covariance_, np.eye(4), atol=1e-10)
    assert 0 < model.penalty_ < 1


def test_held_out_penalty_beats_none_where_points_are_few():
    x, fresh = draw(18, 4), draw(5000, 5)
    chosen, none = dv.GraphicalModel(rng=0).fit(x), dv.GraphicalModel(0).fit(x)
    assert chosen.score(fresh) > none.score(fresh)


def test_folds_do_not_follow_the_order_of_the_points():
    x = draw(200, 6)
    ordered = x[np.argsort(x[:, 0])]
    shuffled = dv.GraphicalModel(rng=0).fit(x)
    assert dv.GraphicalModel(rng=0).fit(ordered).score(x) == pytest.approx(
        shuffled.score(x), abs=0.05
    )


def test_one_feature_has_no_edges():
    model = dv.GraphicalModel(rng=0).fit(draw(50, 7)[:, 0])
    assert not model.graph().any()
    assert model.plot_graph().get_legend() is not None


class TestPicture:
    def test_draws_one_line_for_each_edge_with_names_and_signs(self):
        frame = pd.DataFrame(draw(2000, 0), columns=["north", "east", "south", "west"])
        model = dv.GraphicalModel(0.1).fit(frame)
        ax = model.plot_graph()
        drawn = [line for line in ax.lines if len(line.get_xdata()) == 2]
        assert [line.get_color() for line in drawn] == [P_COLOR, Q_COLOR]
        assert [text.get_text() for text in ax.texts] == ["north", "east", "south", "west"]
        np.testing.assert_allclose(np.hypot(*drawn[0].get_xydata()[0]), 1)

    def test_draws_where_it_is_told(self):
        ax = Figure().subplots()
        assert dv.GraphicalModel(0.1).fit(draw(200, 0)).plot_graph(ax=ax) is ax
        assert [text.get_text() for text in ax.texts] == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("penalty", "n", "error", "message"),
    [
        (-1, 50, ValueError, r"^penalty must be a number of at least 0, not -1\. Leave it"),
        ("strong", 50, TypeError, r"^penalty must be a number of at least 0, not 'strong'\."),
        (None, 8, ValueError, r"^Choosing the penalty in 5 folds needs at least 10 points, but X "),
        (0.1, 4, ValueError, r"^A graphical model of 4 features needs at least 5 points, but X ha"),
    ],
)
def test_bad_settings_are_refused_in_words(penalty, n, error, message):
    with pytest.raises(error, match=message):
        dv.GraphicalModel(penalty, rng=0).fit(draw(n, 0))


def test_what_does_not_converge_is_an_error(monkeypatch):
    monkeypatch.setattr("divergences.generative.graphical_model._ITERATIONS", 1)
    x = draw(300, 0) @ (np.ones((4, 4)) + 1e-3 * np.eye(4))
    message = r"^The graphical lasso did not converge: some features nearly determine each other"
    with pytest.raises(dv.ConvergenceError, match=message):
        dv.GraphicalModel(0.001).fit(x)
