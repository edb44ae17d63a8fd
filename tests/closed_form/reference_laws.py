"""Densities, distribution functions and quantiles in mpmath, for `make_references.py`."""

from __future__ import annotations

import mpmath as mp

mp.mp.dps = 40
INF = mp.inf


class Law:
    """Density, distribution function, support and points to cut integrals at.

    `ppf(z, u, v)` is the quantile at the level u = 1 - v of a standard normal z.
    """

    def __init__(self, pdf, support, cuts, cdf=None, sf=None, ppf=None):
        self.pdf, self.support, self.cuts = pdf, support, cuts
        self.cdf, self.sf, self.ppf = cdf, sf, ppf


def normal(m, s):
    m, s = mp.mpf(m), mp.mpf(s)
    return Law(
        lambda x: mp.exp(-(((x - m) / s) ** 2) / 2) / (s * mp.sqrt(2 * mp.pi)),
        (-INF, INF),
        [m + k * s for k in (-12, -5, -2, 0, 2, 5, 12)],
        lambda x: mp.erfc(-(x - m) / (s * mp.sqrt(2))) / 2,
        lambda x: mp.erfc((x - m) / (s * mp.sqrt(2))) / 2,
        lambda z, u, v: m + s * z,
    )


def laplace(m, b):
    m, b = mp.mpf(m), mp.mpf(b)
    return Law(
        lambda x: mp.exp(-abs(x - m) / b) / (2 * b),
        (-INF, INF),
        [m + k * b for k in (-20, -5, 0, 5, 20)],
        lambda x: mp.exp((x - m) / b) / 2 if x < m else 1 - mp.exp(-(x - m) / b) / 2,
        lambda x: 1 - mp.exp((x - m) / b) / 2 if x < m else mp.exp(-(x - m) / b) / 2,
        lambda z, u, v: m + b * mp.log(2 * u) if u < v else m - b * mp.log(2 * v),
    )


def exponential(scale):
    s = mp.mpf(scale)
    return Law(
        lambda x: mp.exp(-x / s) / s,
        (mp.mpf(0), INF),
        [k * s for k in (mp.mpf(1) / 100, 1, 5, 20)],
        lambda x: -mp.expm1(-x / s) if x > 0 else mp.mpf(0),
        lambda x: mp.exp(-x / s) if x > 0 else mp.mpf(1),
        lambda z, u, v: -s * mp.log(v),
    )


def uniform(a, b):
    a, b = mp.mpf(a), mp.mpf(b)
    return Law(
        lambda x: 1 / (b - a),
        (a, b),
        [],
        lambda x: min(max((x - a) / (b - a), mp.mpf(0)), mp.mpf(1)),
        lambda x: min(max((b - x) / (b - a), mp.mpf(0)), mp.mpf(1)),
        lambda z, u, v: a + (b - a) * u,
    )


def gamma(k, scale):
    k, s = mp.mpf(k), mp.mpf(scale)
    return Law(
        lambda x: mp.exp((k - 1) * mp.log(x / s) - x / s) / (s * mp.gamma(k)),
        (mp.mpf(0), INF),
        [c * s for c in (mp.mpf(1) / 100, 1, 5, 20)],
        lambda x: mp.gammainc(k, 0, x / s, regularized=True) if x > 0 else mp.mpf(0),
        lambda x: mp.gammainc(k, x / s, INF, regularized=True) if x > 0 else mp.mpf(1),
    )


def beta(a, b):
    a, b = mp.mpf(a), mp.mpf(b)
    return Law(
        lambda x: x ** (a - 1) * (1 - x) ** (b - 1) / mp.beta(a, b),
        (mp.mpf(0), mp.mpf(1)),
        [mp.mpf(1) / 2],
        lambda x: mp.betainc(a, b, 0, x, regularized=True),
        lambda x: mp.betainc(b, a, 0, 1 - x, regularized=True),
    )


def log_normal(m, s):
    inner = normal(m, s)
    return Law(
        lambda x: inner.pdf(mp.log(x)) / x,
        (mp.mpf(0), INF),
        [mp.exp(c) for c in inner.cuts],
        lambda x: inner.cdf(mp.log(x)) if x > 0 else mp.mpf(0),
        lambda x: inner.sf(mp.log(x)) if x > 0 else mp.mpf(1),
        lambda z, u, v: mp.exp(inner.ppf(z, u, v)),
    )


def weibull(k, scale):
    k, s = mp.mpf(k), mp.mpf(scale)
    return Law(
        lambda x: k / s * (x / s) ** (k - 1) * mp.exp(-((x / s) ** k)),
        (mp.mpf(0), INF),
        [s * c for c in (mp.mpf(1) / 100, 1, 4, 20)],
        lambda x: -mp.expm1(-((x / s) ** k)) if x > 0 else mp.mpf(0),
        lambda x: mp.exp(-((x / s) ** k)) if x > 0 else mp.mpf(1),
        lambda z, u, v: s * (-mp.log(v)) ** (1 / k),
    )


def pareto(a, scale):
    a, s = mp.mpf(a), mp.mpf(scale)
    return Law(
        lambda x: a / s * (s / x) ** (a + 1),
        (s, INF),
        [s * 2, s * 20, s * 1000],
        lambda x: 1 - (s / x) ** a if x > s else mp.mpf(0),
        lambda x: (s / x) ** a if x > s else mp.mpf(1),
        lambda z, u, v: s * v ** (-1 / a),
    )


def cauchy(m, g):
    return student(1, m, g)


def student(nu, m, s):
    nu, m, s = mp.mpf(nu), mp.mpf(m), mp.mpf(s)
    c = mp.gamma((nu + 1) / 2) / (mp.sqrt(nu * mp.pi) * mp.gamma(nu / 2) * s)

    def upper(z):
        tail = mp.betainc(nu / 2, mp.mpf(1) / 2, 0, nu / (nu + z * z), regularized=True) / 2
        return tail if z > 0 else 1 - tail

    return Law(
        lambda x: c * (1 + ((x - m) / s) ** 2 / nu) ** (-(nu + 1) / 2),
        (-INF, INF),
        [m + k * s for k in (-1000, -30, -4, 0, 4, 30, 1000)],
        lambda x: upper(-(x - m) / s),
        lambda x: upper((x - m) / s),
    )


def logistic(m, s):
    m, s = mp.mpf(m), mp.mpf(s)
    return Law(
        lambda x: 1 / (s * (2 * mp.cosh((x - m) / (2 * s))) ** 2),
        (-INF, INF),
        [m + k * s for k in (-30, -5, 0, 5, 30)],
        lambda x: 1 / (1 + mp.exp(-(x - m) / s)),
        lambda x: 1 / (1 + mp.exp((x - m) / s)),
        lambda z, u, v: m + s * mp.log(u / v),
    )


def von_mises(m, k):
    m, k = mp.mpf(m), mp.mpf(k)
    return Law(
        lambda x: mp.exp(k * mp.cos(x - m)) / (2 * mp.pi * mp.besseli(0, k)),
        # The interval in double precision, as the samplers of the libraries have it.
        (-mp.mpf(float(mp.pi)), mp.mpf(float(mp.pi))),
        [mp.mpf(-1), mp.mpf(0), mp.mpf(1), mp.mpf(2)],
    )


def mixture(weights, means, deviations):
    parts = [normal(m, s) for m, s in zip(means, deviations, strict=True)]
    w = [mp.mpf(x) for x in weights]
    return Law(
        lambda x: sum(c * part.pdf(x) for c, part in zip(w, parts, strict=True)),
        (-INF, INF),
        [x for part in parts for x in part.cuts],
        lambda x: sum(c * part.cdf(x) for c, part in zip(w, parts, strict=True)),
        lambda x: sum(c * part.sf(x) for c, part in zip(w, parts, strict=True)),
    )


LAWS = {
    "Normal": normal,
    "Laplace": laplace,
    "Exponential": exponential,
    "Uniform": uniform,
    "Gamma": gamma,
    "Beta": beta,
    "LogNormal": log_normal,
    "Weibull": weibull,
    "Pareto": pareto,
    "Cauchy": cauchy,
    "StudentT": student,
    "Logistic": logistic,
    "VonMises": von_mises,
    "Mixture": mixture,
}
