"""Values of divergences to 30 digits, from their definitions, by mpmath alone.

Run `python tests/closed_form/make_references.py` to write `references.json` anew (some minutes).
Nothing of the package is used: densities, distribution functions and quantiles are written down
here, and each divergence is the integral or sum that defines it. Multivariate normals are the
exception: theirs are the textbook formulas in determinants and traces.
"""

from __future__ import annotations

import itertools
import json
from multiprocessing import Pool
from pathlib import Path

import mpmath as mp
from reference_cases import CONTINUOUS, DIRICHLETS, DISCRETE, NORMALS
from reference_laws import INF, LAWS, Law, cauchy, normal

mp.mp.dps = 40
HERE = Path(__file__).parent


def integral(f, cuts):
    """Sum of tanh-sinh integrals between the cuts, each to full precision."""
    total = mp.mpf(0)
    for a, b in itertools.pairwise(cuts):
        if (abs(a) == INF and abs(f(b)) < mp.mpf(10) ** -300) or (
            abs(b) == INF and abs(f(a)) < mp.mpf(10) ** -300
        ):
            continue
        part, error = mp.quad(f, [a, b], error=True, maxdegree=12)
        assert error < mp.mpf(10) ** -21, (error, a, b)
        total += part
    return total


def cuts_between(low, high, *laws, extra=()):
    inner = {c for law in laws for c in (*law.cuts, *law.support)} | set(extra)
    kept = sorted(c for c in inner if low < c < high and abs(c) != INF)
    # Far cuts: what lies beyond them is either a power law or nothing.
    below = [-c for c in (50_000, 5_000, 1_000, 300, 100) if low == -INF and -c < kept[0]]
    above = [c for c in (100, 300, 1_000, 5_000, 50_000) if high == INF and c > kept[-1]]
    return [low, *map(mp.mpf, below), *kept, *map(mp.mpf, above), high]


def sign_changes(f, cuts):
    """Roots of f, by bisection between the points of a fine grid."""
    finite = [c for c in cuts if abs(c) != INF]
    grid = []
    for a, b in itertools.pairwise(finite):
        grid += [a + (b - a) * mp.mpf(2 * k + 1) / 120 for k in range(60)]
    roots = []
    for a, b in itertools.pairwise(grid):
        if f(a) * f(b) < 0:
            roots.append(mp.findroot(f, (a, b), solver="anderson", tol=mp.mpf(10) ** -60))
    return roots


def ratio_divergence(name, p, q):
    low, high = max(p.support[0], q.support[0]), min(p.support[1], q.support[1])
    cuts = cuts_between(low, high, p, q)

    def over(f):
        return integral(lambda x: f(p.pdf(x), q.pdf(x)), cuts)

    def outside(law):
        below = law.cdf(low) if law.support[0] < low else mp.mpf(0)
        above = law.sf(high) if law.support[1] > high else mp.mpf(0)
        return below + above

    if name == "KL":
        return over(lambda a, b: a * mp.log(a / b) if a > 0 else mp.mpf(0))
    if name == "ReverseKL":
        return over(lambda a, b: b * mp.log(b / a) if b > 0 else mp.mpf(0))
    if name == "JS":
        both = over(
            lambda a, b: (
                (
                    (a * mp.log(2 * a / (a + b)) if a > 0 else 0)
                    + (b * mp.log(2 * b / (a + b)) if b > 0 else 0)
                )
                / 2
            )
        )
        return both + (outside(p) + outside(q)) * mp.log(2) / 2
    if name == "TV":
        roots = sign_changes(lambda x: p.pdf(x) - q.pdf(x), cuts)
        parts = cuts_between(low, high, p, q, extra=roots)
        inner = integral(lambda x: abs(p.pdf(x) - q.pdf(x)), parts)
        return (inner + outside(p) + outside(q)) / 2
    if name == "Hellinger2":
        return 1 - over(lambda a, b: mp.sqrt(a * b))
    if name == "Chi2":
        return over(lambda a, b: a * a / b if a > 0 else mp.mpf(0)) - 1
    if name == "Neyman":
        return over(lambda a, b: b * b / a if b > 0 else mp.mpf(0)) - 1
    kind, alpha = name.split(":")
    assert kind == "Renyi"
    r = mp.mpf(float(alpha))
    power = over(lambda a, b: mp.exp(r * mp.log(a) + (1 - r) * mp.log(b)) if a > 0 else mp.mpf(0))
    return mp.log(power) / (r - 1)


def on_the_line(name, p, q):
    low, high = min(p.support[0], q.support[0]), max(p.support[1], q.support[1])
    cuts = cuts_between(low, high, p, q)
    middle = cuts[len(cuts) // 2]

    def gap(x):
        return p.cdf(x) - q.cdf(x) if x < middle else q.sf(x) - p.sf(x)

    if name == "W:1":
        parts = cuts_between(low, high, p, q, extra=sign_changes(gap, cuts))
        return integral(lambda x: abs(gap(x)), parts)
    if name == "Energy2":
        return 2 * integral(lambda x: gap(x) ** 2, cuts)
    r = mp.mpf(float(name.split(":")[1]))
    standard = normal(0, 1)

    def shift(z):
        # The level u is that of a standard normal z; v = 1 - u keeps its digits.
        u, v = standard.cdf(z), standard.sf(z)
        return p.ppf(z, u, v) - q.ppf(z, u, v)

    grid = [mp.mpf(c) for c in (-30, -12, -5, -2, 0, 2, 5, 12, 30)]
    parts = sorted({*grid, *sign_changes(shift, grid)})
    cost = integral(lambda z: abs(shift(z)) ** r * standard.pdf(z), parts)
    return cost ** (1 / r)


def difference_density(p, q):
    """Density of X - Y, for the pairs where it is elementary, and points to cut at."""
    (name, a), (other, b) = p, q
    if name != other:
        raise NotImplementedError
    a, b = [[mp.mpf(x) for x in side] for side in (a, b)]
    if name == "Normal":
        law = normal(a[0] - b[0], mp.sqrt(a[1] ** 2 + b[1] ** 2))
        return law.pdf, law.cuts
    if name == "Cauchy":
        law = cauchy(a[0] - b[0], a[1] + b[1])
        return law.pdf, law.cuts
    if name == "Exponential":
        return (
            lambda z: mp.exp(-z / a[0] if z > 0 else z / b[0]) / (a[0] + b[0]),
            [mp.mpf(c) for c in (-20, -3, 0, 3, 20)],
        )
    if name == "Uniform":
        ends = sorted([a[0] - b[1], a[0] - b[0], a[1] - b[1], a[1] - b[0]])
        area = (a[1] - a[0]) * (b[1] - b[0])
        return (
            lambda z: max(min(a[1], z + b[1]) - max(a[0], z + b[0]), mp.mpf(0)) / area,
            ends,
        )
    if name == "Laplace" and a[1] == b[1]:
        shift, scale = a[0] - b[0], a[1]
        return (
            lambda z: (1 + abs(z - shift) / scale) * mp.exp(-abs(z - shift) / scale) / (4 * scale),
            [shift + c for c in (-30, -5, 0, 5, 30)],
        )
    raise NotImplementedError


KERNELS = {
    "MMD2:Gaussian": lambda z: mp.exp(-z * z / 2),
    "MMD2:Laplacian": lambda z: mp.exp(-abs(z)),
    "MMD2:RationalQuadratic": lambda z: 1 / (1 + z * z / 2),
}


def squared_mmd(kernel, p, q):
    def mean(first, second):
        pdf, cuts = difference_density(first, second)
        inner = sorted({*cuts, mp.mpf(0), mp.mpf(-8), mp.mpf(8)})
        far = [mp.mpf(c) for c in (100, 1_000, 10_000)]
        cuts = [-INF, *(-c for c in reversed(far)), *inner, *far, INF]
        return integral(lambda z: pdf(z) * kernel(z), sorted({*cuts}))

    return mean(p, p) + mean(q, q) - 2 * mean(p, q)


def masses(name, parameters):
    """Values and masses, to where less than 1e-60 is left."""
    a = [mp.mpf(x) for x in parameters] if name != "Categorical" else None
    if name == "Bernoulli":
        return {0: 1 - a[0], 1: a[0]}
    if name == "Categorical":
        return {k: mp.mpf(x) for k, x in enumerate(parameters)}
    if name == "Binomial":
        n = int(a[0])
        return {k: mp.binomial(n, k) * a[1] ** k * (1 - a[1]) ** (n - k) for k in range(n + 1)}
    if name == "Poisson":
        return {k: mp.exp(-a[0]) * a[0] ** k / mp.factorial(k) for k in range(200)}
    if name == "Geometric":
        return {k: a[0] * (1 - a[0]) ** (k - 1) for k in range(1, 1500)}
    assert name == "NegativeBinomial"
    return {
        k: mp.gamma(k + a[0]) / (mp.gamma(a[0]) * mp.factorial(k)) * a[1] ** a[0] * (1 - a[1]) ** k
        for k in range(1500)
    }


def of_masses(name, p, q):
    keys = sorted({*p, *q})
    pairs = [(p.get(k, mp.mpf(0)), q.get(k, mp.mpf(0))) for k in keys]
    if name == "KL":
        return mp.fsum(a * mp.log(a / b) for a, b in pairs if a > 0)
    if name == "ReverseKL":
        return mp.fsum(b * mp.log(b / a) for a, b in pairs if b > 0)
    if name == "JS":
        return (
            mp.fsum(
                (a * mp.log(2 * a / (a + b)) if a > 0 else 0)
                + (b * mp.log(2 * b / (a + b)) if b > 0 else 0)
                for a, b in pairs
            )
            / 2
        )
    if name == "TV":
        return mp.fsum(abs(a - b) for a, b in pairs) / 2
    if name == "Hellinger2":
        return 1 - mp.fsum(mp.sqrt(a * b) for a, b in pairs)
    if name == "Chi2":
        return mp.fsum(a * a / b for a, b in pairs if a > 0) - 1
    if name.startswith("Renyi"):
        r = mp.mpf(float(name.split(":")[1]))
        return mp.log(mp.fsum(a**r * b ** (1 - r) for a, b in pairs if a > 0 and b > 0)) / (r - 1)
    f, g = (
        list(itertools.accumulate(a for a, _ in pairs)),
        list(itertools.accumulate(b for _, b in pairs)),
    )
    steps = [k1 - k0 for k0, k1 in itertools.pairwise(keys)]
    if name == "W:1":
        return mp.fsum(h * abs(a - b) for h, a, b in zip(steps, f, g, strict=False))
    if name == "Energy2":
        return 2 * mp.fsum(h * (a - b) ** 2 for h, a, b in zip(steps, f, g, strict=False))
    if name.startswith("MMD2"):
        kernel = KERNELS[name]
        held = [(k, a - b) for k, (a, b) in zip(keys, pairs, strict=True) if abs(a - b) > 1e-40]
        return mp.fsum(x * y * kernel(mp.mpf(j - k)) for j, x in held for k, y in held)
    assert name == "W:2"
    levels = sorted({*f, *g})
    total, previous, i, j = mp.mpf(0), mp.mpf(0), 0, 0
    for level in levels:
        while f[i] < level and i < len(keys) - 1:
            i += 1
        while g[j] < level and j < len(keys) - 1:
            j += 1
        total += (level - previous) * (keys[i] - keys[j]) ** 2
        previous = level
    return mp.sqrt(total)


def of_normals(name, p, q):
    (m, a), (n, b) = [(mp.matrix(mean), mp.matrix(cov)) for mean, cov in (p, q)]
    d, delta = len(m), mp.matrix(n) - mp.matrix(m)
    if name == "KL":
        inverse = b**-1
        trace = sum((inverse * a)[i, i] for i in range(d))
        square = (delta.T * inverse * delta)[0]
        return (trace + square - d + mp.log(mp.det(b) / mp.det(a))) / 2
    if name.startswith("Renyi"):
        r = mp.mpf(float(name.split(":")[1]))
        mixed = (1 - r) * a + r * b
        square = (delta.T * mixed**-1 * delta)[0]
        logs = mp.log(mp.det(mixed)) - (1 - r) * mp.log(mp.det(a)) - r * mp.log(mp.det(b))
        return r * square / 2 - logs / (2 * (r - 1))
    if name == "Hellinger2":
        return 1 - mp.exp(-of_normals("Renyi:0.5", p, q) / 2)
    if name == "Chi2":
        return mp.expm1(of_normals("Renyi:2", p, q))
    if name == "W:2":
        root = mp.sqrtm(a)
        cross = mp.sqrtm(root * b * root)
        trace = sum(a[i, i] + b[i, i] - 2 * cross[i, i] for i in range(d))
        return mp.sqrt((delta.T * delta)[0] + trace)
    if name == "MMD2:Gaussian":

        def mean(shift, cov):
            grown = cov + mp.eye(d)
            return mp.exp(-(shift.T * grown**-1 * shift)[0] / 2) / mp.sqrt(mp.det(grown))

        zero = 0 * delta
        return mean(zero, 2 * a) + mean(zero, 2 * b) - 2 * mean(delta, a + b)
    if name == "Energy2":
        # For multiples of the identity: the mean length of a normal vector is a 1F1.
        def length(square, variance):
            half = mp.mpf(d) / 2
            scale = mp.sqrt(2 * variance) * mp.gamma(half + mp.mpf(1) / 2) / mp.gamma(half)
            return scale * mp.hyp1f1(-mp.mpf(1) / 2, half, -square / (2 * variance))

        s, t = a[0, 0], b[0, 0]
        square = (delta.T * delta)[0]
        return 2 * length(square, s + t) - length(0, 2 * s) - length(0, 2 * t)
    # JS and TV of N(0, I) and N(0, v I), by the radius.
    v = b[0, 0]
    area = 2 * mp.pi ** (mp.mpf(d) / 2) / mp.gamma(mp.mpf(d) / 2)

    def shell(variance):
        return Law(
            lambda r: (
                area
                * r ** (d - 1)
                * mp.exp(-r * r / (2 * variance))
                / (2 * mp.pi * variance) ** (mp.mpf(d) / 2)
            ),
            (mp.mpf(0), INF),
            [mp.mpf(c) for c in ("0.5", 2, 4, 8, 16)],
        )

    return ratio_divergence(name, shell(mp.mpf(1)), shell(v))


def of_dirichlets(name, p, q):
    a, b = [[mp.mpf(x) for x in side] for side in (p, q)]

    def log_normalizer(alpha):
        return sum(mp.loggamma(x) for x in alpha) - mp.loggamma(sum(alpha))

    if name == "KL":
        mean = [mp.digamma(x) - mp.digamma(sum(a)) for x in a]
        inner = sum((x - y) * z for x, y, z in zip(a, b, mean, strict=True))
        return inner - log_normalizer(a) + log_normalizer(b)
    r = mp.mpf(float(name.split(":")[1]))
    mixed = [r * x + (1 - r) * y for x, y in zip(a, b, strict=True)]
    log = log_normalizer(mixed) - r * log_normalizer(a) - (1 - r) * log_normalizer(b)
    return log / (r - 1)


def continuous(name, p, q):
    if name.startswith("MMD2"):
        return squared_mmd(KERNELS[name], p, q)
    first, second = (LAWS[family](*parameters) for family, parameters in (p, q))
    if name.startswith(("W:", "Energy2")):
        return on_the_line(name, first, second)
    return ratio_divergence(name, first, second)


def of_discrete(name, p, q):
    return of_masses(name, masses(*p), masses(*q))


TASKS = [
    *(("line", of_discrete, row) for row in DISCRETE),
    *(("normal", of_normals, row) for row in NORMALS),
    *(("dirichlet", of_dirichlets, row) for row in DIRICHLETS),
    *(("line", continuous, row) for row in CONTINUOUS),
]


def solve(task):
    kind, compute, p, q, name = task
    try:
        value = compute(name, p, q)
    except (AssertionError, ValueError, ZeroDivisionError) as error:
        return f"{p} {q} {name}: {error!r}"
    return {"kind": kind, "p": p, "q": q, "divergence": name, "value": mp.nstr(value, 30)}


def main() -> None:
    tasks = [
        (kind, compute, p, q, name) for kind, compute, (p, q, names) in TASKS for name in names
    ]
    rows, failures = [], []
    with Pool(2) as pool:
        for found in pool.imap(solve, tasks):
            print(found, flush=True)
            (failures if isinstance(found, str) else rows).append(found)
    text = ",\n".join(json.dumps(row) for row in rows)
    (HERE / "references.json").write_text(f"[\n{text}\n]\n")
    assert not failures, failures


if __name__ == "__main__":
    main()
