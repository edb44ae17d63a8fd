"""Does a critic mean what it says? The log-ratios that it claims, against those that are seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from divergences.report.colors import CRITIC_COLOR, FAINT, P_COLOR, Q_COLOR, axes_or_new, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from divergences.estimate import Estimate

_BINS = 10
_MARGIN = 0.05
_LEAST_MARGIN = 0.1


def plot_calibration(estimate: Estimate, ax: Axes | None = None) -> Axes:
    r"""Draw the log-ratios that a critic claims against those that are seen.

    Points that the critic was not fitted to are sorted by the log-ratio l it claims for them, and
    cut into ten bins B of as many points each. With n points of P and m of Q, a bin is drawn at

        claimed  = ln(sum of π / n) - ln(sum of 1 - π / m),    π = n e^l / (n e^l + m),
        observed = ln(share of P's points in B) - ln(share of Q's points in B),

    where the sums are over the points in B, and π is the claimed chance of P. Where the claims
    are right, the points scatter about the diagonal by the standard error that is drawn,

        sqrt(1/n_B - 1/n + 1/m_B - 1/m),    n_B, m_B the points of P and of Q in B.

    A flatter row of points is overconfidence, a steeper one timidity. The critics seen are those
    behind `Estimate.lower_bound`, each fitted to a part of the points and read on the rest.

    Parameters
    ----------
    estimate : Estimate
        An f-divergence that was found by a method with critics.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure, which `ax.figure.savefig` writes.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    AttributeError
        If the estimate has no log-ratios at points that its critic was not fitted to.
    ImportError
        If matplotlib is not installed.

    References
    ----------
    DeGroot and Fienberg (1983).

    Examples
    --------
    >>> import numpy as np
    >>> import divergences as dv
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(0, 1, (500, 5)), rng.normal(0.5, 1, (500, 5))
    >>> est = dv.js_divergence(x, y, method="classifier", rng=0)
    >>> dv.plot_calibration(est).get_ylabel()
    'observed ln(p/q)'
    """
    if estimate.reading.fresh is None:
        raise AttributeError(
            f"The method {estimate.how!r} has no log-ratios at points that it was not fitted to, "
            f"which show whether the {estimate.definition.title} rests on right claims. "
            f"f-divergences of samples without weights have them with the default method and with "
            f'method="classifier".'
        )
    bins = Calibration.of(*estimate.reading.fresh.pooled)
    ax = axes_or_new(ax, 4.8, 4.8)
    low, high = bins.limits
    ax.axline((0, 0), slope=1, color=FAINT, linewidth=1, linestyle="--", label="right claims")
    _draw_bins(ax, bins)
    ax.set_xlim(low, high)
    ax.set_ylim(low, high)
    ax.set_aspect("equal")
    ax.set_title(f"Calibration of the critic, {estimate.definition.symbol}")
    ax.set_xlabel("claimed ln(p/q), at points the critic was not fitted to")
    ax.set_ylabel("observed ln(p/q)")
    ax.legend(loc="upper left", frameon=False, fontsize="small")
    tidy(ax)
    return ax


@dataclass(frozen=True, eq=False)
class Calibration:
    """Log-ratios as they are claimed and as they are seen, bin by bin.

    Parameters
    ----------
    claimed, observed : ndarray of shape (k,)
        Logarithms of P's share over Q's; infinite observed ones where a sample has no point.
    stderr : ndarray of shape (k,)
        Standard error of the observed ones.
    """

    claimed: NDArray[np.float64]
    observed: NDArray[np.float64]
    stderr: NDArray[np.float64]

    @classmethod
    def of(cls, at_p: NDArray[np.float64], at_q: NDArray[np.float64]) -> Calibration:
        """Cut claimed log-ratios of shapes (n,) and (m,) into bins; equal ones stay together."""
        n, m = len(at_p), len(at_q)
        pooled = np.concatenate([at_p, at_q])
        # Without interpolation, which infinite log-ratios do not survive.
        inner = np.quantile(pooled, np.arange(1, _BINS) / _BINS, method="inverted_cdf")
        _, bins = np.unique(np.searchsorted(inner, pooled), return_inverse=True)
        of_p, of_q = np.bincount(bins[:n], minlength=bins.max() + 1), np.bincount(bins[n:])
        of_q = np.pad(of_q, (0, len(of_p) - len(of_q)))
        # A mean of log-ratios would not be the logarithm of the bin's ratio: means of chances are.
        odds = pooled + np.log(n / m)
        for_p, for_q = (np.bincount(bins, weights=expit(sign * odds)) for sign in (1, -1))
        with np.errstate(divide="ignore"):
            claimed = np.log(for_p / n) - np.log(for_q / m)
            observed = np.log(of_p / n) - np.log(of_q / m)
            stderr = np.sqrt(1 / of_p - 1 / n + 1 / of_q - 1 / m)
        return cls(claimed, observed, stderr)

    @property
    def drawable(self) -> NDArray[np.bool_]:
        """Bins that are points of the picture."""
        return np.isfinite(self.claimed) & np.isfinite(self.observed)

    @property
    def limits(self) -> tuple[float, float]:
        """Ends of both axes."""
        error = np.where(self.drawable, self.stderr, 0.0)
        parts = (self.claimed, self.observed - error, self.observed + error, np.zeros(1))
        values = np.concatenate([part[np.isfinite(part)] for part in parts])
        margin = max(_MARGIN * float(np.ptp(values)), _LEAST_MARGIN)
        return float(values.min()) - margin, float(values.max()) + margin


def _draw_bins(ax: Any, bins: Calibration) -> None:
    shown = bins.drawable
    ax.errorbar(
        bins.claimed[shown],
        bins.observed[shown],
        bins.stderr[shown],
        color=CRITIC_COLOR,
        marker="o",
        markersize=4,
        linestyle="",
        label="bins of points, ± standard error",
    )
    low, high = bins.limits
    for infinite, edge, marker, color, name in (
        (np.inf, high, "^", P_COLOR, "P"),
        (-np.inf, low, "v", Q_COLOR, "Q"),
    ):
        at = bins.claimed[np.isfinite(bins.claimed) & (bins.observed == infinite)]
        if len(at):
            style: Any = {"marker": marker, "linestyle": "", "markerfacecolor": "none"}
            label = f"only {name} has points"
            ax.plot(at, np.full(len(at), edge), color=color, clip_on=False, label=label, **style)
    beyond = int(np.isinf(bins.claimed).sum())
    if beyond:
        text = f"{beyond} of {len(bins.claimed)} bins have infinite claims: not drawn"
        ax.text(0.98, 0.02, text, transform=ax.transAxes, ha="right", fontsize="small")
