"""The targets of the default Wasserstein distance, at 400 points of each sample."""

import pytest

from tests.benchmarks.transport import HEADER, gaussians, others, score, shifted, told

SEEDS = 60


def test_scores_of_the_plug_in_itself_and_of_a_shift():
    pair = shifted(3, 1.0)
    plug_in = score(pair, 2, 60, 3, method="exact")
    assert plug_in.ratio == pytest.approx(1.0)
    assert plug_in.rmse >= abs(plug_in.bias)
    # Potentials are 2 x and 2 y, of variance 4: 2 sqrt(1/60 + 1/60) = 0.37; 3 draws vary.
    assert 0.25 < plug_in.oracle < 0.5
    assert told(pair, 2, plug_in).startswith("shift 1           3  2")


@pytest.mark.slow
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("pair", gaussians(5) + gaussians(10), ids=lambda p: f"{p.name}, {p.d}")
def test_error_is_a_fifth_of_the_plug_ins_or_what_the_best_critic_leaves(pair, order):
    # Where the sampling noise of the optimal potentials is itself above a fifth, nothing can be
    # better; the ratio of two errors over 60 samples has a standard error of a tenth of itself.
    found = score(pair, order, 400, SEEDS)
    print(f"\n{HEADER}\n{told(pair, order, found)}")
    assert found.ratio <= max(0.2, 1.3 * found.oracle / found.plug_in)
    assert found.bracket >= 0.95 - 3 * (0.05 * 0.95 / SEEDS) ** 0.5
    assert found.interval >= 0.95 - 3 * (0.05 * 0.95 / SEEDS) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("pair", gaussians(2) + others(2), ids=lambda p: p.name)
def test_in_the_plane_it_is_not_worse_than_the_plug_in(pair, order):
    if order not in pair.orders:
        pytest.skip("no truth is known")
    found = score(pair, order, 400, SEEDS)
    print(f"\n{HEADER}\n{told(pair, order, found)}")
    # The two errors are nearly the same where the bias is small: their ratio's standard error
    # is 0.04 at most.
    assert found.ratio <= 1.12
