"""Bad input, and exactly what is said about it: one table."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import torch
from scipy.stats import multivariate_normal, norm

import divergences as dv
from divergences.errors import InvalidPairError
from tests.bad_data import BAD_DATA, X, Y

XX = np.random.default_rng(2).normal(size=(20, 2))


def generator():
    normal = torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))
    return dv.Pushforward(torch.nn.Linear(2, 2), normal)


# (call, error, the whole message)
# fmt: off
TABLE = [
    *BAD_DATA,
    (lambda: dv.js_divergence(X, Y, method="kd"), ValueError,
     'method must be one of "auto", "classifier", "kde", "stacked", "neighbors", "neural" or an '
     "estimator object for JS, not 'kd'."),
    (lambda: dv.js_divergence(X, Y, method=dv.KDE), TypeError,
     "method must be an object, not the class KDE. Use KDE()."),
    (lambda: dv.js_divergence(X, Y, method=3), TypeError,
     'method must be one of "auto", "classifier", "kde", "stacked", "neighbors", "neural" or an '
     "estimator object for JS, not 3."),
    (lambda: dv.js_divergence(X, Y, method=dv.ExactTransport()), InvalidPairError,
     "ExactTransport does not estimate the Jensen–Shannon divergence (JS). Valid methods: "
     '"auto", "classifier", "kde", "stacked", "neighbors", "neural".'),
    (lambda: dv.js_divergence(X, Y, method="exact"), InvalidPairError,
     "ExactTransport does not estimate the Jensen–Shannon divergence (JS). Valid methods: "
     '"auto", "classifier", "kde", "stacked", "neighbors", "neural".'),
    (lambda: dv.wasserstein_distance(X, Y, method="kde"), InvalidPairError,
     'KDE does not estimate the Wasserstein distance (W1). Valid methods: "auto", '
     '"exact", "debiased", "critic".'),
    (lambda: dv.mmd(X, Y, method=dv.Sliced()), InvalidPairError,
     'Sliced does not estimate the maximum mean discrepancy (MMD). Valid methods: "auto", '
     '"pairwise".'),
    (lambda: dv.sliced_wasserstein_distance(X, Y, method="exact"), InvalidPairError,
     "ExactTransport does not estimate the sliced Wasserstein distance (SW2). Valid methods: "
     '"auto", "sliced".'),
    (lambda: dv.js_divergence(X, Y, methd="kde"), TypeError,
     "js_divergence has no keyword 'methd'. Its keywords are base, method, weights_p, "
     "weights_q, nan_policy, rng, workers, progress; settings of a method go into the method, "
     "as in method=KDE(bandwidth=0.5)."),
    (lambda: dv.js_divergence(X, Y, rng="seed"), TypeError,
     "rng must be a seed (a whole number of at least 0), a numpy.random.Generator or None, not"
     " 'seed'."),
    (lambda: dv.js_divergence(X, Y, rng=-1), ValueError,
     "rng must be a seed (a whole number of at least 0), a numpy.random.Generator or None, not"
     " -1."),
    (lambda: dv.js_divergence(X, Y, rng=1.5), TypeError,
     "rng must be a seed (a whole number of at least 0), a numpy.random.Generator or None, not"
     " 1.5."),
    (lambda: dv.js_divergence(X, Y, workers=0), ValueError,
     "workers must be a whole number of at least 1, not 0. Use workers=-1 for all cores."),
    (lambda: dv.js_divergence(X, Y, workers=1.5), TypeError,
     "workers must be a whole number of at least 1, not 1.5. Use workers=-1 for all cores."),
    (lambda: dv.js_divergence(X, Y, progress="yes"), TypeError,
     "progress must be True, False or None, not 'yes'."),
    (lambda: dv.js_divergence(X, Y, base=10), ValueError,
     "base must be math.e (nats) or 2 (bits), not 10."),
    (lambda: dv.js_divergence(X, Y, base="2"), ValueError,
     "base must be math.e (nats) or 2 (bits), not '2'."),
    (lambda: dv.kl_divergence(X, Y, base=math.nan), ValueError,
     "base must be math.e (nats) or 2 (bits), not nan."),
    (lambda: dv.renyi_divergence(X, Y, alpha=1), ValueError,
     "alpha must not be 1, where the Rényi divergence is the Kullback–Leibler divergence. Use "
     "kl_divergence."),
    (lambda: dv.renyi_divergence(X, Y, alpha=0), ValueError,
     "alpha must be a number above 0, not 0."),
    (lambda: dv.renyi_divergence(X, Y, alpha=math.inf), ValueError,
     "alpha must be a finite number above 0, not inf."),
    (lambda: dv.renyi_divergence(X, Y, alpha="2"), TypeError,
     "alpha must be a number above 0, not '2'."),
    (lambda: dv.renyi_divergence(X, Y, alpha=np.complex128(2)), TypeError,
     "alpha must be a number above 0, not np.complex128(2+0j)."),
    (lambda: dv.wasserstein_distance(X, Y, order=0.5), ValueError,
     "order must be a number of at least 1, not 0.5. Wasserstein orders start at 1."),
    (lambda: dv.wasserstein_distance(X, Y, order=math.inf), ValueError,
     "order must be a finite number of at least 1, not inf. Wasserstein orders start at 1."),
    (lambda: dv.wasserstein_distance(X, Y, order=math.nan), ValueError,
     "order must be a number of at least 1, not nan. Wasserstein orders start at 1."),
    (lambda: dv.wasserstein_distance(X, Y, order=True), TypeError,
     "order must be a number of at least 1, not True. Wasserstein orders start at 1."),
    (lambda: dv.sliced_wasserstein_distance(X, Y, order=0), ValueError,
     "order must be a number of at least 1, not 0. Wasserstein orders start at 1."),
    (lambda: dv.sliced_wasserstein_distance(X, Y, projections=0), ValueError,
     "projections must be a whole number of at least 1, not 0. 100 is usual."),
    (lambda: dv.sliced_wasserstein_distance(X, Y, projections=2.5), TypeError,
     "projections must be a whole number of at least 1, not 2.5. 100 is usual."),
    (lambda: dv.sinkhorn_divergence(X, Y, order=3), ValueError,
     "order must be 1 or 2 for the Sinkhorn divergence, not 3: other costs need not give a "
     "nonnegative divergence."),
    (lambda: dv.sinkhorn_divergence(X, Y, epsilon=0), ValueError,
     'epsilon must be a number above 0, not 0. Or use "auto".'),
    (lambda: dv.sinkhorn_divergence(X, Y, epsilon="small"), TypeError,
     'epsilon must be a number above 0, not \'small\'. Or use "auto".'),
    (lambda: dv.mmd(X, Y, kernel="gaussian"), TypeError,
     "kernel must be a PositiveKernel such as GaussianKernel(bandwidth=1.0), not 'gaussian'."),
    (lambda: dv.GaussianKernel(0), ValueError,
     'bandwidth must be a number above 0, not 0. Or use "median".'),
    (lambda: dv.GaussianKernel("mean"), TypeError,
     'bandwidth must be a number above 0, not \'mean\'. Or use "median".'),
    (lambda: dv.LaplacianKernel(-1), ValueError,
     'bandwidth must be a number above 0, not -1. Or use "median".'),
    (lambda: dv.RationalQuadraticKernel(1.0, alpha=0), ValueError,
     "alpha must be a number above 0, not 0."),
    (lambda: -1 * dv.GaussianKernel(1.0), ValueError,
     "weight must be a number above 0, not -1."),
    (lambda: dv.f_divergence(X, Y, phi=7), TypeError,
     "phi must be an FDivergence, which holds the function and its derivative, not 7. Use "
     "FDivergence(phi, derivative)."),
    (lambda: dv.divergence("JS", X, Y), TypeError,
     "definition must be an object such as JensenShannon(), not 'JS'."),
    (lambda: dv.divergence(dv.JensenShannon, X, Y), TypeError,
     "definition must be an object such as JensenShannon(), not <class "
     "'divergences.definitions.jensen_shannon.JensenShannon'>."),
    (lambda: dv.compare(X, Y, divergences=["JS"]), TypeError,
     "definition must be an object such as JensenShannon(), not 'JS'."),
    (lambda: dv.compare(X, Y, divergences=dv.JensenShannon()), TypeError,
     "divergences must be a list such as [JensenShannon(), Wasserstein(1)], not "
     "JensenShannon(base=2.718281828459045)."),
    (lambda: dv.compare(X, Y, method="kde"), InvalidPairError,
     'KDE does not estimate the Wasserstein distance (W1). Valid methods: "auto", '
     '"exact", "debiased", "critic". Or pass divergences=[...] with those that the method '
     'estimates.'),
    (lambda: dv.compare(X, Y, divergences=[dv.Wasserstein(1)], method="kde"), InvalidPairError,
     'KDE does not estimate the Wasserstein distance (W1). Valid methods: "auto", '
     '"exact", "debiased", "critic".'),
    (lambda: dv.compare(X, Y, divergences=[dv.JensenShannon(), dv.JensenShannon(2)], rng=0)["JS"],
     KeyError,
     "\"'JS' must name one row, but it names rows 0, 1. Index by position, as in "
     'comparison[0]."'),
    (lambda: dv.js_divergence(XX[:2], XX[5:7]), ValueError,
     "p must have at least 4 points for logistic regression, 5-fold, but it has 2. The method was "
     "chosen automatically. Collect more points, or use Energy() or MMD(), which take 2."),
    (lambda: dv.two_sample_test(np.eye(3), np.eye(3) + 1.0), ValueError,
     "p must have at least 4 points for logistic regression, 5-fold, but it has 3. The method was "
     "chosen automatically. Collect more points, select 2 features or fewer, or use Energy() or "
     "MMD(), which take 2."),
    (lambda: dv.js_divergence(scipy.stats.rv_histogram(np.histogram(X)), Y), TypeError,
     "p must be a frozen distribution, but this rv_histogram is not. Call it first, as in p()."),
    (lambda: dv.Autoencoder().fit(XX[:1]), ValueError,
     "X must have at least 2 samples for Autoencoder, but it has 1 sample. Collect more: a single "
     "point has no distribution to learn."),
    (lambda: dv.VariationalAutoencoder().fit(XX[:1]), ValueError,
     "X must have at least 2 samples for VariationalAutoencoder, but it has 1 sample. Collect "
     "more: a single point has no distribution to learn."),
    (lambda: dv.minimize(dv.JensenShannon(), generator(), XX[:5], steps=2), ValueError,
     "nu must have at least 30 points, so that 3 are held out to measure on by gaussian kernel "
     "densities, but 2 are. Collect more, pass held_out or measure otherwise, as with "
     "monitor=Monitor(Energy())."),
    (lambda: dv.minimize(dv.JensenShannon(), generator(), XX, held_out=XX[:2], steps=2), ValueError,
     "held_out must have at least 3 points, so that 3 are held out to measure on by gaussian "
     "kernel densities, but 2 are. Collect more or measure otherwise, as with "
     "monitor=Monitor(Energy())."),
    (lambda: dv.js_divergence(X, Y).interval(95), ValueError,
     "level must be a number above 0 and below 1, not 95. Use 0.95 for 95 %."),
    (lambda: dv.js_divergence(X, Y).interval(1), ValueError,
     "level must be a number above 0 and below 1, not 1. Use 0.95 for 95 %."),
    (lambda: dv.js_divergence(X, Y).interval("0.95"), TypeError,
     "level must be a number above 0 and below 1, not '0.95'. Use 0.95 for 95 %."),
    (lambda: dv.js_divergence(X, Y).critic(np.zeros((3, 2))), ValueError,
     "points must have shape (k, 1) for the features of p and q, not (3, 2)."),
    (lambda: dv.KDE(kernel="gauss"), ValueError,
     "kernel must be one of 'gaussian', 'epanechnikov', 'tophat', 'exponential', 'linear', "
     "'cosine', not 'gauss'."),
    (lambda: dv.KDE(bandwidth="scot"), ValueError,
     "bandwidth must be one of 'cross_validated', 'scott', 'silverman', "
     "'improved_sheather_jones', 'likelihood', not 'scot'."),
    (lambda: dv.KDE(bandwidth=-1.0), ValueError,
     "bandwidth must be a number above 0, not -1.0."),
    (lambda: dv.KDE(background=0), ValueError,
     "background must be a number above 0, not 0."),
    (lambda: dv.Neighbors(k=0), ValueError,
     "k must be a whole number of at least 1, not 0."),
    (lambda: dv.Classifier("svm"), ValueError,
     "estimator must be one of 'logistic', 'boosting', not 'svm'."),
    (lambda: dv.Classifier(folds=1), ValueError,
     "folds must be a whole number of at least 2, not 1."),
    (lambda: dv.PairwiseKernel("u"), ValueError,
     "statistic must be one of 'unbiased', 'biased', not 'u'."),
    (lambda: dv.EntropicTransport(tolerance=0), ValueError,
     "tolerance must be a number above 0 and below 1, not 0. 1e-8 is usual."),
    (lambda: dv.js_divergence([1.0, 2.0], Y, method=dv.KDE()), ValueError,
     "p must have at least 3 points for gaussian kernel densities, but it has 2."),
    (lambda: dv.js_divergence([1.0, 2.0, 3.0], Y, method=dv.Classifier()), ValueError,
     "p must have at least 4 points for logistic regression, 5-fold, but it has 3."),
    (lambda: dv.JensenShannon().loss(X, Y), TypeError,
     "x must be a floating-point torch.Tensor, not ndarray."),
    (lambda: dv.JensenShannon().loss(torch.zeros(5), torch.zeros(5, dtype=torch.int64)), TypeError,
     "y must be a floating-point torch.Tensor, not torch.int64."),
    (lambda: dv.JensenShannon().loss(torch.zeros(5, 2), torch.zeros(5, 3)), ValueError,
     "x and y must have the same number of features, not 2 and 3."),
    (lambda: dv.JensenShannon().loss(torch.zeros(1, 2), torch.zeros(5, 2)), ValueError,
     "x must have shape (n_samples, n_features) with at least 2 samples, not (1, 2). Flatten "
     "images with x.flatten(1)."),
    (lambda: dv.JensenShannon().loss(torch.zeros(5, 2, 2), torch.zeros(5, 2, 2)), ValueError,
     "x must have shape (n_samples, n_features) with at least 2 samples, not (5, 2, 2). "
     "Flatten images with x.flatten(1)."),
    (lambda: dv.JensenShannon().loss(torch.randn(9, 1), torch.randn(9, 1), method="classifier"),
     InvalidPairError,
     "Classifier has no differentiable form for the Jensen–Shannon divergence (JS). Valid "
     'methods: "auto", "kde".'),
    (lambda: dv.Wasserstein().loss(torch.randn(9, 1), torch.randn(9, 1), method="kde"),
     InvalidPairError,
     'KDE has no differentiable form for the Wasserstein distance (W1). Valid methods: "auto",'
     ' "exact".'),
    (lambda: dv.kl_divergence(scipy.stats.norm, norm(0, 1)), TypeError,
     "p must be a frozen distribution, not scipy.stats.norm without parameters. Call it with "
     "them first, as in scipy.stats.norm(0, 1)."),
    (lambda: dv.kl_divergence(norm([0, 1], 1), norm(0, 1)), ValueError,
     "p must be one distribution, but the parameters of norm are arrays. Independent features "
     "are one measure as torch.distributions.Independent(..., 1)."),
    (lambda: dv.kl_divergence(torch.distributions.Normal(torch.zeros(3), 1.0), norm(0, 1)),
     ValueError,
     "p must be one distribution, but this Normal is a batch of shape (3,). If its entries are"
     " the independent features of one measure, use torch.distributions.Independent(..., 1)."),
    (lambda: dv.kl_divergence(norm(0, 1), multivariate_normal(np.zeros(2), np.eye(2))), ValueError,
     "p and q must have the same number of features, but p = Normal(0, 1) has 1 and q = "
     "MultivariateNormal([0., 0.], [[1., 0.], [0., 1.]]) has 2."),
    (lambda: dv.kl_divergence(norm(0, -1), norm(0, 1)), ValueError,
     "p must have valid parameters, but scipy.stats.norm does not accept shapes, loc and scale"
     " of (0, -1)."),
    (lambda: dv.js_divergence(dv.Pushforward(lambda z: z[:3], norm()), Y), ValueError,
     "g must return one point for each latent point: for latent shape (12, 1) it returned "
     "shape (3, 1)."),
    (lambda: dv.js_divergence(dv.Pushforward(lambda z: z * np.nan, norm()), Y), ValueError,
     "p must be finite, but it has NaN in 12 of 12 rows; column (count): 0 (12). Pass "
     'nan_policy="omit" to leave those rows out.'),
    (lambda: dv.compare(X, Y, divergences="JS"), TypeError,
     "divergences must be a list such as [JensenShannon(), Wasserstein(1)], not 'JS'."),
    (lambda: dv.kl_divergence(norm(0, 1), scipy.stats.norm), TypeError,
     "q must be a frozen distribution, not scipy.stats.norm without parameters. Call it with "
     "them first, as in scipy.stats.norm(0, 1)."),
    (lambda: dv.kl_divergence(norm(0, 1), norm(0, 1), weights_q=[1.0, 2.0]), ValueError,
     "weights_q must be left out, as q is a measure to draw from, not a sample."),
    (lambda: dv.divergence(dv.JensenShannon(), norm(0, 1), pd.Series(["x"], dtype="category")),
     TypeError,
     "q must have numeric columns, but 1 of 1 is not: 'unnamed' (category). Drop or encode "
     "them."),
    (lambda: dv.Pushforward("g", norm()), TypeError,
     "g must be a callable or a torch.nn.Module that maps latent points to points, not str."),
    (lambda: dv.Pushforward(np.sin, 7), TypeError,
     "mu must be a distribution of torch.distributions or scipy.stats, or a function of the "
     "number of points, not int."),
    (lambda: dv.wasserstein_distance(X, Y, method=dv.KDE()), InvalidPairError,
     'KDE does not estimate the Wasserstein distance (W1). Valid methods: "auto", '
     '"exact", "debiased", "critic".'),
    (lambda: dv.js_divergence(X, [1.0, 2.0], nan_policy=None), ValueError,
     "nan_policy must be one of 'raise', 'omit', 'keep', not None."),
    (lambda: dv.Sinkhorn(2, -1.0), ValueError,
     'epsilon must be a number above 0, not -1.0. Or use "auto".'),
    (lambda: dv.MMD(dv.GaussianKernel), TypeError,
     "kernel must be a PositiveKernel such as GaussianKernel(bandwidth=1.0), not <class "
     "'divergences.definitions.positive_kernels.GaussianKernel'>."),
    (lambda: dv.Renyi(-0.5), ValueError,
     "alpha must be a number above 0, not -0.5."),
    (lambda: dv.SlicedWasserstein(math.nan), ValueError,
     "order must be a number of at least 1, not nan. Wasserstein orders start at 1."),
    (lambda: dv.wasserstein_distance(X * 1e200, Y), ValueError,
     "p and q must have costs |x - y|^1 within the range of floating point, but their values "
     "spread over 2.57e+200. Rescale the data, or use a lower order."),
    (lambda: dv.KDE(bandwidth=[1.0, -1.0]), ValueError,
     "bandwidth must be above 0 on each axis, not [1.0, -1.0]."),
    (lambda: dv.KDE("gaussian", [[1.0, 2.0], [2.0, 1.0]]), ValueError,
     "bandwidth must be a positive definite matrix, but its least eigenvalue is -1."),
    (lambda: dv.js_divergence(XX, XX + 1.0, method=dv.KDE(bandwidth=[1.0, 1.0, 1.0])), ValueError,
     "bandwidth must have one number for each of the 2 features, but it has 3."),
]
# fmt: on


@pytest.mark.parametrize(("call", "error", "message"), TABLE, ids=[text for *_, text in TABLE])
def test_bad_input_is_told_exactly(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert str(caught.value) == message


def test_the_table_is_long_and_its_messages_are_sentences():
    assert len(TABLE) >= 40
    assert all(message.rstrip('"').endswith(".") for *_, message in TABLE)
