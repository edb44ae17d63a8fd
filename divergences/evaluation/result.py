"""What an evaluation found: divergences and scores, as a table and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from divergences.confidence import REACH
from divergences.evaluation.score import Score
from divergences.report.colors import CRITIC_COLOR, FAINT, Q_COLOR, axes_or_new, tidy
from divergences.report.layout import paragraphs, text_table
from divergences.report.table import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from divergences.estimate import Estimate

_BEYOND = 2.0


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """How good a generator is, as a table of divergences and one of scores.

    Parameters
    ----------
    divergences : Comparison
        Data as P, generated points as Q.
    scores : tuple of Score
        Accuracy, precision, recall, density, coverage; and those of copying and of modes where
        training points and modes were given.
    notes : tuple of str
        What to know.
    seconds : float
        Time that it took.

    Examples
    --------
    >>> import numpy as np
    >>> import divergences as dv
    >>> train, data = np.random.default_rng(0).normal(size=(2, 100, 2))
    >>> model = dv.KernelDensity().fit(train)
    >>> result = dv.evaluate_generator(model, data, divergences=[dv.Energy()], rng=0)
    >>> [score.name for score in result.scores]
    ['accuracy', 'precision', 'recall', 'density', 'coverage']
    """

    divergences: Comparison
    scores: tuple[Score, ...]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def __getitem__(self, name: str) -> Score | Estimate:
        """Return the score of that name, or the divergence of that symbol."""
        for score in self.scores:
            if score.name == name:
                return score
        if name in self.divergences.labels:
            return self.divergences[name]
        known = (*(score.name for score in self.scores), *self.divergences.labels)
        raise KeyError(f"{name!r} is not among {', '.join(map(repr, known))}.")

    def to_dict(self) -> dict[str, Any]:
        """Return everything that JSON can hold."""
        return {
            "divergences": self.divergences.to_dict()["estimates"],
            "scores": [score.to_dict() for score in self.scores],
            "notes": list(self.notes),
            "seconds": self.seconds,
        }

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each score with its 95 % interval, and what a perfect generator would have.

        Numbers of modes are drawn as shares. What lies beyond 2 is drawn at the edge; its number
        stands beside it.

        Parameters
        ----------
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        matplotlib Axes
        """
        ax = axes_or_new(ax, 7.0, 1.2 + 0.3 * len(self.scores))
        for row, score in enumerate(self.scores):
            unit = score.expected if score.name == "modes" else 1.0
            at, reach = min(score.value / unit, _BEYOND), REACH * score.stderr / unit
            color = FAINT if score.verdict == "as perfect" else CRITIC_COLOR
            ax.plot([at - reach, min(at + reach, _BEYOND)], [row, row], color=color, linewidth=2)
            ax.plot([at], [row], "o", color=color, markersize=5)
            ax.plot([score.expected / unit], [row], "|", color=Q_COLOR, markersize=14)
            ax.annotate(
                score.words()[0],
                (1.0, row),
                (6, 0),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                va="center",
                fontsize="small",
            )
        ax.plot([], [], "|", color=Q_COLOR, markersize=14, label="a perfect generator")
        ax.plot(
            [], [], "o-", color=CRITIC_COLOR, markersize=5, label="this one, with 95 % interval"
        )
        ax.set_yticks(range(len(self.scores)), [score.name for score in self.scores])
        ax.invert_yaxis()
        ax.set_xlim(-0.03, None)
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
        tidy(ax)
        return ax

    def to_text(self, width: int | None = None) -> str:
        """Return both tables as text.

        Parameters
        ----------
        width : int or None
            Room in characters; None asks the terminal.

        Returns
        -------
        str
        """
        rows = [(s.name, *s.words(), s.verdict, s.meaning) for s in self.scores]
        headers = ("score", "value ± stderr", "perfect", "verdict", "meaning")
        table = text_table(headers, rows, flexible=[4], width=width)
        parts = [self.divergences.to_text(width), table, paragraphs(self.notes, width=width)]
        return "\n\n".join(part for part in parts if part)

    def __repr__(self) -> str:
        return self.to_text()

    __str__ = __repr__
