"""The 8 x 8 digits of scikit-learn, stacks of three of them, and who judges generated ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import SVC

SHAPE = (3, 8, 8)
KINDS = 10 ** SHAPE[0]
_PIXELS = SHAPE[1] * SHAPE[2]
_LARGEST = 16.0
_HELD_OUT = 1 / 3
_NEAR = 0.95
_LOOKED_AT = 2_000


@dataclass(frozen=True, eq=False)
class Digits:
    """Real digits by what they are.

    Parameters
    ----------
    pixels : ndarray of shape (n, 64)
        From -1, white, to 1.
    labels : ndarray of shape (n,)
        0 to 9.
    """

    pixels: np.ndarray
    labels: np.ndarray


@cache
def real_digits() -> tuple[Digits, Digits]:
    """Two thirds of the 1,797 for generators and judge to learn from, and the others."""
    pixels, labels = load_digits(return_X_y=True)
    x, x_held_out, y, y_held_out = train_test_split(
        2 * pixels / _LARGEST - 1, labels, test_size=_HELD_OUT, random_state=0, stratify=labels
    )
    return Digits(x, y), Digits(x_held_out, y_held_out)


def stack(digits: Digits, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n stacks, (n, 3, 8, 8): all 1,000 kinds are equally likely, then all digits of a kind.

    Parameters
    ----------
    digits : Digits
        To draw from, with repetitions.
    n : int
        Number of stacks.
    rng : Generator
        Draws.
    """
    order = np.argsort(digits.labels, kind="stable")
    counts = np.bincount(digits.labels, minlength=10)
    labels = rng.integers(10, size=(n, SHAPE[0]))
    place = (np.cumsum(counts) - counts)[labels] + rng.integers(counts[labels])
    return digits.pixels[order[place]].reshape(n, *SHAPE).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Judge:
    """Says which digits a stack shows, and whether they look like digits at all.

    Parameters
    ----------
    classifier : SVC
        Of the training digits.
    accuracy : float
        Its share of right answers on the other digits.
    neighbors : NearestNeighbors
        Of the training digits.
    radius : float
        Within it of a training digit are 95 % of the other digits.
    """

    classifier: Any
    accuracy: float
    neighbors: Any
    radius: float

    def labels(self, stacks: np.ndarray) -> np.ndarray:
        """Digits of each stack, (n, 3)."""
        found: np.ndarray = self.classifier.predict(stacks.reshape(-1, _PIXELS))
        return found.reshape(-1, SHAPE[0])

    def digit_like(self, stacks: np.ndarray) -> float:
        """Share of digits within the radius of a training digit."""
        distances, _ = self.neighbors.kneighbors(stacks.reshape(-1, _PIXELS), n_neighbors=1)
        return float(np.mean(distances <= self.radius))


@cache
def judge() -> Judge:
    """A support vector machine with the settings of scikit-learn's own example of the digits."""
    learned, held_out = real_digits()
    # 0.001 for pixels from 0 to 16.
    classifier = SVC(gamma=0.001 * (_LARGEST / 2) ** 2).fit(learned.pixels, learned.labels)
    neighbors = NearestNeighbors().fit(learned.pixels)
    distances, _ = neighbors.kneighbors(held_out.pixels, n_neighbors=1)
    return Judge(
        classifier=classifier,
        accuracy=float(classifier.score(held_out.pixels, held_out.labels)),
        neighbors=neighbors,
        radius=float(np.quantile(distances, _NEAR)),
    )


@dataclass(frozen=True)
class Score:
    """What the judge finds among stacks.

    Parameters
    ----------
    modes : int
        How many of the 1,000 kinds occur.
    kl : float
        KL(shares of the kinds || equal shares), in nats. Chance alone makes 999/(2n) of it.
    digit_like : float
        Share of digits as near to a training digit as 95 % of real ones are, in 2,000 stacks.
    """

    modes: int
    kl: float
    digit_like: float


def score(stacks: np.ndarray) -> Score:
    """Rate stacks of shape (n, 3, 8, 8)."""
    names = judge().labels(stacks) @ [100, 10, 1]
    counts = np.bincount(names, minlength=KINDS)
    shares = counts[counts > 0] / len(stacks)
    return Score(
        modes=len(shares),
        kl=float(shares @ np.log(shares * KINDS)),
        digit_like=judge().digit_like(stacks[:_LOOKED_AT]),
    )
