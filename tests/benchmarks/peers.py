"""Who else is measured: other packages as their documentation has one call them, in nats."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.benchmarks.contenders import Contender
from tests.benchmarks.records import Outcome

LogDensity = Callable[[np.ndarray], np.ndarray]


def outcomes(**values: float) -> dict[str, Outcome]:
    """Numbers without error bars; an underscore stands for a space."""
    return {name.replace("_", " "): Outcome(float(value)) for name, value in values.items()}


def plugged_in(at_p: np.ndarray, at_q: np.ndarray) -> dict[str, Outcome]:
    """Every divergence as the mean of its integrand at an estimated log-ratio."""
    both = np.concatenate([at_p, at_q])
    with np.errstate(over="ignore", invalid="ignore"):
        return outcomes(
            JS=math.log(2) - (np.logaddexp(0, -at_p).mean() + np.logaddexp(0, at_q).mean()) / 2,
            KL=at_p.mean(),
            reverse_KL=-at_q.mean(),
            TV=np.abs(np.tanh(both / 2)).mean(),
            H2=1 - (1 / np.cosh(both / 2)).mean(),
            chi2=np.exp(at_p).mean() - 1,
        )


def densities_plugged_in(
    log_p: LogDensity, log_q: LogDensity, x: np.ndarray, y: np.ndarray
) -> dict[str, Outcome]:
    """The same from two density estimates; infinite where one of them is zero."""
    with np.errstate(invalid="ignore"):
        return plugged_in(log_p(x) - log_q(x), log_p(y) - log_q(y))


def scipy_kde(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Outcome]:
    from scipy.stats import gaussian_kde

    p, q = gaussian_kde(x.T), gaussian_kde(y.T)
    return densities_plugged_in(lambda z: p.logpdf(z.T), lambda z: q.logpdf(z.T), x, y)


def sklearn_kde(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Outcome]:
    from sklearn.neighbors import KernelDensity
    from sklearn.preprocessing import StandardScaler

    # Its rule of thumb takes features of unit variance for granted.
    scaler = StandardScaler().fit(np.vstack([x, y]))
    x, y = scaler.transform(x), scaler.transform(y)
    p, q = (KernelDensity(bandwidth="scott").fit(sample) for sample in (x, y))
    return densities_plugged_in(p.score_samples, q.score_samples, x, y)


def out_of_fold(classifier: Any, x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Outcome]:
    """Log-odds by five-fold cross-validation."""
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    points, labels = np.vstack([x, y]), np.repeat([1, 0], [len(x), len(y)])
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    odds = cross_val_predict(classifier, points, labels, cv=folds, method="decision_function")
    odds += math.log(len(y) / len(x))
    return plugged_in(odds[: len(x)], odds[len(x) :])


def sklearn_logistic(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Outcome]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    squares = PolynomialFeatures(2, include_bias=False)
    logistic = LogisticRegression(max_iter=1000)
    return out_of_fold(make_pipeline(StandardScaler(), squares, logistic), x, y, seed)


def sklearn_boosting(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Outcome]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return out_of_fold(HistGradientBoostingClassifier(random_state=seed), x, y, seed)


def neighbor_distances(x: np.ndarray, y: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each x to its k-th neighbor among the other x, and among y."""
    from scipy.spatial import cKDTree

    own = cKDTree(x).query(x, k=[k + 1])[0][:, 0]
    other = cKDTree(y).query(x, k=[k])[0][:, 0]
    return own, other


def wang_kulkarni_verdu(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Outcome]:
    """Wang, Kulkarni and Verdú (2009) with k = 5, and its ratio plugged into the others."""
    k, (n, d), m = 5, x.shape, len(y)
    with np.errstate(divide="ignore", invalid="ignore"):
        own, other = neighbor_distances(x, y, k)
        at_p = d * np.log(other / own) + math.log(m / (n - 1))
        own, other = neighbor_distances(y, x, k)
        at_q = d * np.log(own / other) + math.log((m - 1) / n)
        return plugged_in(at_p, at_q)


def npeet_plus(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Outcome]:
    from npeet_plus import kldiv

    return outcomes(KL=kldiv(x, y, base=math.e), reverse_KL=kldiv(y, x, base=math.e))


def infomeasure(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Outcome]:
    import infomeasure as im

    # Its kernel needs a bandwidth: Scott's, for features of the pooled standard deviation.
    width = len(x) ** (-1 / (x.shape[1] + 4))
    scale = np.vstack([x, y]).std(axis=0)
    settings = {"approach": "kernel", "kernel": "gaussian", "bandwidth": width, "base": "e"}
    metric = {"approach": "metric", "base": "e"}
    return outcomes(
        JS=im.jsd(x / scale, y / scale, **settings),
        KL=im.kld(x, y, **metric),
        reverse_KL=im.kld(y, x, **metric),
    )


def divergence(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Outcome]:
    import divergence as peer

    if x.shape[1] > 1:
        return outcomes(KL=peer.knn_kl_divergence(x, y), reverse_KL=peer.knn_kl_divergence(y, x))
    x, y = x[:, 0], y[:, 0]
    discrete = bool((x == np.round(x)).all() and (y == np.round(y)).all())
    return outcomes(
        JS=peer.jensen_shannon_divergence_from_samples(x, y, discrete=discrete),
        KL=peer.relative_entropy_from_samples(x, y, discrete=discrete),
        TV=peer.total_variation_distance(x, y, discrete=discrete),
        H2=peer.squared_hellinger_distance(x, y, discrete=discrete),
        chi2=peer.chi_squared_divergence(x, y, discrete=discrete),
    )


def densratio(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Outcome]:
    """uLSIF; its ratio is zero at the least."""
    from densratio import densratio as fit

    # Its search starts from kernels of unit width.
    both = np.vstack([x, y])
    x, y = ((sample - both.mean(axis=0)) / both.std(axis=0) for sample in (x, y))
    result = fit(x, y, verbose=False)
    with np.errstate(divide="ignore"):
        at_p, at_q = (
            np.log(np.maximum(result.compute_density_ratio(sample), 0.0)) for sample in (x, y)
        )
    return plugged_in(at_p, at_q)


PEERS_RATIO = (
    Contender("scipy gaussian_kde", scipy_kde, "scipy"),
    Contender("sklearn KernelDensity", sklearn_kde, "sklearn"),
    Contender("sklearn logistic", sklearn_logistic, "sklearn"),
    Contender("sklearn boosting", sklearn_boosting, "sklearn"),
    Contender("Wang-Kulkarni-Verdu 5-nn", wang_kulkarni_verdu, "scipy"),
    Contender("npeet-plus", npeet_plus, "npeet_plus"),
    Contender("infomeasure", infomeasure, "infomeasure"),
    Contender("divergence", divergence, "divergence"),
    Contender("densratio", densratio, "densratio"),
)


def pot(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Outcome]:
    import ot

    a, b = np.full(len(x), 1 / len(x)), np.full(len(y), 1 / len(y))
    first, second = ot.dist(x, y, metric="euclidean"), ot.dist(x, y)
    return outcomes(W1=ot.emd2(a, b, first), W2=math.sqrt(max(ot.emd2(a, b, second), 0.0)))


def geomloss(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Outcome]:
    import torch
    from geomloss import SamplesLoss

    points = torch.as_tensor(x), torch.as_tensor(y)
    first = SamplesLoss("sinkhorn", p=1, blur=0.05, backend="tensorized")(*points).item()
    second = SamplesLoss("sinkhorn", p=2, blur=0.05, backend="tensorized")(*points).item()
    # Its cost for p = 2 is half the squared distance.
    return outcomes(W1=first, W2=math.sqrt(max(2 * second, 0.0)))


def dcor(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Outcome]:
    from dcor import energy_distance

    # What it calls the energy distance is the square of ours.
    return outcomes(energy=math.sqrt(max(energy_distance(x, y), 0.0)))


PEERS_TRANSPORT = (
    Contender("POT", pot, "ot"),
    Contender("geomloss", geomloss, "geomloss"),
    Contender("dcor", dcor, "dcor"),
)
