import pickle
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.backends.backend_agg
import matplotlib.figure
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from scipy.integrate import trapezoid
from standins import ShiftCritic, catalogue, estimate, samples

import divergences as dv
from divergences.definitions import MMD, Wasserstein
from divergences.estimate import Circumstances, Estimate
from divergences.measures.samples import Samples, as_samples
from divergences.report import Comparison, plot_densities, plot_estimate, save_figure
from divergences.report.colors import P_COLOR, Q_COLOR, critic_colormap
from divergences.report.densities import shown_range
from divergences.report.figures import principal_components


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.fixture(autouse=True)
def nothing_global_changes():
    settings = mpl.rcParams.copy()
    yield
    assert mpl.rcParams.copy() == settings
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


def test_one_feature_shows_densities_and_critic():
    ax = plot_estimate(estimate(d=1), names=("old", "new"))
    assert len(ax.figure.axes) == 2
    twin = next(other for other in ax.figure.axes if other is not ax)
    assert ax.get_title() == "Jensen–Shannon divergence, JS = 0.100 ± 0.010 nats"
    assert legend_of(ax) == ["old", "new", "critic (right axis)"]
    assert twin.get_ylabel() == "critic ln(p/q), as the chance\nof old at equal numbers"
    grid, values = twin.lines[0].get_data()
    np.testing.assert_allclose(values, np.tanh(ShiftCritic()(grid[:, None]) / 2))


def test_one_feature_shades_where_the_critic_is_positive_in_the_color_of_p():
    ax = plot_estimate(estimate(d=1))
    twin = next(other for other in ax.figure.axes if other is not ax)
    for_p, for_q = twin.collections
    assert tuple(for_p.get_facecolor()[0][:3]) == pytest.approx(to_rgb(P_COLOR))
    assert tuple(for_q.get_facecolor()[0][:3]) == pytest.approx(to_rgb(Q_COLOR))
    assert for_p.get_paths()[0].vertices[:, 0].max() <= 0.51
    assert for_q.get_paths()[0].vertices[:, 0].min() >= 0.49


def test_two_features_color_the_critic_by_sign():
    ax = plot_estimate(estimate(d=2), names=("old", "new"))
    assert legend_of(ax) == ["old", "new", "no points near"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("feature 0", "feature 1")
    filled = next(c for c in ax.collections if hasattr(c, "levels") and len(c.levels) > 2)
    np.testing.assert_allclose(filled.levels, -np.asarray(filled.levels)[::-1], atol=1e-12)
    high, low = filled.cmap(1.0)[:3], filled.cmap(0.0)[:3]
    assert high[2] > high[0]
    assert low[0] > low[2]
    assert critic_colormap()(0.5)[:3] == pytest.approx((1, 1, 1), abs=0.02)
    bar = next(other for other in ax.figure.axes if other is not ax)
    assert bar.get_ylabel() == "critic ln(p/q), as the chance\nof old at equal numbers"


def test_points_have_the_colors_of_p_and_q():
    ax = plot_estimate(estimate(d=2))
    dots = [c for c in ax.collections if c.get_label() in ("P", "Q")]
    colors = {c.get_label(): tuple(c.get_facecolor()[0][:3]) for c in dots}
    assert colors["P"] == pytest.approx(to_rgb(P_COLOR))
    assert colors["Q"] == pytest.approx(to_rgb(Q_COLOR))


def test_transport_potential_is_centered():
    ax = plot_estimate(estimate(Wasserstein(1), d=1, critic=Offset()))
    twin = next(other for other in ax.figure.axes if other is not ax)
    assert twin.get_ylabel().startswith("critic (potential)")
    _, values = twin.lines[0].get_data()
    assert values.min() < 0 < values.max()


class Offset:
    def __call__(self, points):
        return 1000 - points[:, 0]


def test_the_axis_holds_the_curve_also_between_the_points():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=400), 1.2 * rng.normal(size=400) + 0.6
    ax = plot_estimate(dv.wasserstein_distance(x, y, rng=0))
    twin = next(other for other in ax.figure.axes if other is not ax)
    _, values = twin.lines[0].get_data()
    low, high = twin.get_ylim()
    assert low < values.min()
    assert values.max() < high
    assert max(-values.min(), values.max()) >= 0.9 * high


def test_witness_label():
    ax = plot_estimate(estimate(MMD(), d=3))
    assert ax.get_xlabel() == "critic (witness function), at the points it was fitted to"


def test_many_features_show_the_values_of_the_critic():
    ax = plot_estimate(estimate(d=5))
    assert legend_of(ax) == ["P", "Q"]
    assert ax.get_ylabel() == "share of points"
    heights = {
        patch.get_label(): patch.get_data().values.sum()
        for patch in ax.patches
        if patch.get_label() in ("P", "Q")
    }
    assert heights == pytest.approx({"P": 1.0, "Q": 1.0})


def test_many_features_without_critic_show_principal_components():
    ax = plot_estimate(estimate(d=5, critic=None))
    assert ax.get_xlabel().startswith("principal component 1 (")
    assert legend_of(ax) == ["P", "Q"]


def test_columns_name_the_axes():
    ax = plot_estimate(estimate(d=2, columns=("height", "weight")))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("height", "weight")


def test_estimate_draws_itself_after_pickling():
    ax = pickle.loads(pickle.dumps(estimate(d=2))).plot()
    assert ax.get_title().startswith("Jensen–Shannon")


def test_given_axes_are_used():
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert plot_estimate(estimate(d=1), ax=ax) is ax
    assert Comparison(catalogue()).plot(ax=ax) is ax


def test_exact_value_has_nothing_to_draw():
    with pytest.raises(ValueError, match="must come from samples to be drawn"):
        plot_estimate(estimate(exact=True, how="log-normalizers"))


def test_small_multiples():
    p, q = samples(7)
    axes = plot_densities(p, q, estimates=[estimate()] * 7, names=("old", "new"))
    assert axes.shape == (7,)
    assert len(axes[0].figure.axes) == 7
    assert axes[3].get_title() == "feature 3\nJS 0.100 ± 0.010"
    assert [t.get_text() for t in axes[0].figure.legends[0].get_texts()] == ["old", "new"]


def test_small_multiples_take_names_from_the_data():
    frame = pytest.importorskip("pandas").DataFrame({"height": [1.0, 2, 3], "weight": [3.0, 4, 6]})
    axes = plot_densities(frame, frame + 1)
    assert [ax.get_title() for ax in axes] == ["height", "weight"]


@pytest.mark.parametrize("name", ["estimates", "columns"])
def test_small_multiples_need_one_per_feature(name):
    p, q = samples(3)
    given = {"estimates": [estimate()], "columns": ["a"]}[name]
    with pytest.raises(ValueError, match=f"{name} must be one for each of the 3 features, not 1"):
        plot_densities(p, q, **{name: given})


@pytest.mark.parametrize(
    ("values", "artist"),
    [
        (np.repeat([0.0, 1.0, 2.0], 20), "bars"),
        (np.concatenate([np.zeros(40), np.linspace(1, 2, 60)]), "stairs"),
        (np.linspace(0, 1, 60) ** 2, "curves"),
        (np.zeros(10), "bars"),
    ],
)
def test_kind_of_density_follows_the_data(values, artist):
    ax = plot_densities(values, values + 0.25)[0]
    bars = [patch for patch in ax.patches if hasattr(patch, "get_x")]
    stairs = [patch for patch in ax.patches if hasattr(patch, "get_data")]
    kind = "bars" if bars else "stairs" if stairs else "curves"
    assert kind == artist


def test_critic_of_few_values_is_shown_at_those_values_only():
    values = as_samples(np.repeat([0.0, 1.0, 2.0], 20))
    found = estimate(d=1)
    on_few = Circumstances(found.definition, "", "", 1, 60, 60, samples=(values, values))
    ax = plot_estimate(Estimate(found.reading, on_few))
    twin = next(other for other in ax.figure.axes if other is not ax)
    np.testing.assert_array_equal(twin.lines[0].get_xdata(), [0.0, 1.0, 2.0])
    assert twin.lines[0].get_marker() == "o"
    assert len(twin.collections) == 0
    assert ax.get_ylabel() == "share"


def test_few_distinct_points_are_still_a_curve():
    ax = plot_densities([0.0, 1.0, 2.5, 4.0, 5.0], [1.5, 2.0, 3.0, 6.0, 7.0])[0]
    assert len(ax.patches) == 0
    assert len(ax.lines) == 2


def test_the_axis_of_shares_is_marked():
    rng = np.random.default_rng(0)
    ax = plot_estimate(dv.js_divergence(rng.poisson(3, 100), rng.poisson(4, 100), method="kde"))
    top = max(bar.get_height() for bar in ax.patches)
    marks = [mark for mark in ax.get_yticks() if mark <= top]
    assert len(marks) >= 3
    assert top < 0.5
    assert ax.spines["left"].get_visible()


def test_bars_are_weighted_shares():
    p = as_samples([0.0, 1.0], weights=[1, 3])
    ax = plot_densities(p, as_samples([0.0, 1.0]))[0]
    assert [patch.get_height() for patch in ax.patches] == pytest.approx([0.25, 0.75, 0.5, 0.5])


def test_intervals_on_their_own_scales():
    ax = Comparison(catalogue()).plot()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["JS", "KL", "TV", "W1", "MMD"]
    assert ax.texts[0].get_text() == "0.1131 ± 0.0069 nats"
    low, high = catalogue()[0].interval()
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [low / high, 1.0])


def test_words_stay_inside_a_figure_without_layout():
    figure = mpl.figure.Figure()
    ax = figure.subplots()
    Comparison(catalogue()).plot(ax=ax)
    mpl.backends.backend_agg.FigureCanvasAgg(figure).draw()
    words = [*ax.texts, ax.xaxis.label]
    assert all(ax.figure.bbox.containsy(text.get_window_extent().y0) for text in words)
    assert all(ax.figure.bbox.containsx(text.get_window_extent().x1) for text in words)


@pytest.mark.parametrize(("ax", "kind"), [(3, "int"), (mpl.figure.Figure(), "Figure")])
def test_what_is_no_axes_is_refused(ax, kind):
    message = rf"^ax must be matplotlib Axes, not of type {kind}\. Make them with "
    for draw in (estimate(d=2).plot, Comparison(catalogue()).plot):
        with pytest.raises(TypeError, match=message):
            draw(ax=ax)


def heavy(n, shift=0.0):
    points = np.random.default_rng(n).standard_cauchy(n) + shift
    points[0] = 1e6
    return as_samples(points, name="p")


def test_heavy_tails_are_cut_and_counted():
    p, q = heavy(400), heavy(300, 1.0)
    ax = plot_estimate(dv.wasserstein_distance(p, q))
    low, high = ax.get_xlim()
    assert high - low < 1e3
    beyond = sum(((s.points < low) | (s.points > high)).sum() for s in (p, q))
    assert beyond > 0
    assert ax.get_xlabel() == f"x ({beyond} of 700 points are beyond: not drawn)"
    curve = ax.lines[0].get_xydata()
    # What is drawn holds the mass inside: 398 of 400 points or a few less.
    assert 0.95 < trapezoid(curve[:, 1], curve[:, 0]) < 0.999
    (panel,) = plot_densities(p, q)
    assert panel.get_xlabel() == f"{beyond} of 700 points are beyond: not drawn"


def test_light_tails_and_small_samples_far_out_are_drawn_whole():
    rng = np.random.default_rng(0)
    for x, y in (
        (rng.normal(size=1000), rng.exponential(size=1000)),
        (rng.normal(size=5000), rng.normal(1000, 1, size=20)),
    ):
        low, high = shown_range(as_samples(x, name="p"), as_samples(y, name="q"))
        assert (low, high) == (min(x.min(), y.min()), max(x.max(), y.max()))


def test_infinite_value_keeps_its_row():
    infinite = estimate(inner=np.inf, stderr=0.0)
    ax = Comparison((infinite, estimate())).plot()
    assert [text.get_text() for text in ax.texts] == ["inf nats", "0.100 ± 0.010 nats"]


def test_principal_components_keep_the_variance():
    p, q = (s.points for s in samples(2))
    at_p, at_q, shares = principal_components(p, q)
    pooled, turned = np.concatenate([p, q]), np.concatenate([at_p, at_q])
    np.testing.assert_allclose(turned.var(axis=0).sum(), pooled.var(axis=0).sum())
    np.testing.assert_allclose(shares.sum(), 1.0)


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_figures_are_written(tmp_path, suffix):
    path = save_figure(plot_estimate(estimate(d=2)), tmp_path / f"map.{suffix}")
    assert path.stat().st_size > 5_000


def test_same_sample_twice_can_be_drawn():
    p = as_samples(Samples(np.zeros((10, 2))))
    axes = plot_densities(p, p)
    assert len(axes) == 2


def test_missing_matplotlib_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'divergences\[plots\]'"):
        plot_estimate(estimate())


def test_drawing_neither_imports_pyplot_nor_picks_a_backend(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import matplotlib;"
        "from standins import estimate;"
        "before = matplotlib.rcParams.copy();"
        "estimate(d=2).plot().figure.savefig(sys.argv[2]);"
        "assert matplotlib.rcParams.copy() == before;"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    here, picture = str(Path(__file__).parent), tmp_path / "map.png"
    subprocess.run([sys.executable, "-c", code, here, str(picture)], check=True)
    assert picture.exists()
