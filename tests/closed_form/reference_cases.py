"""Which divergences of which pairs `make_references.py` computes."""

from __future__ import annotations

KERNELS = ["MMD2:Gaussian", "MMD2:Laplacian", "MMD2:RationalQuadratic"]
RATIO = ["KL", "ReverseKL", "JS", "TV", "Hellinger2", "Chi2", "Renyi:0.5"]
BOUNDED = ["JS", "TV", "Hellinger2"]

CONTINUOUS = [
    (
        ("Normal", [0, 1]),
        ("Normal", [1, 2]),
        [*RATIO, "Renyi:0.25", "Renyi:2", "W:1", "W:2", "W:3", "Energy2", *KERNELS],
    ),
    (("Normal", [0, 1]), ("Laplace", [0, 1]), [*RATIO, "W:1", "W:2", "Energy2"]),
    (("Normal", [0, 1]), ("Cauchy", [0, 1]), ["KL", *BOUNDED, "Chi2", "Renyi:0.5", "Energy2"]),
    (("Normal", [0, 1]), ("StudentT", [3, 0.5, 1]), ["KL", *BOUNDED, "Chi2", "W:1", "Energy2"]),
    (("Normal", [0, 1]), ("Logistic", [0.5, 0.75]), [*RATIO, "W:1", "W:2", "Energy2"]),
    (("Normal", [0, 1]), ("Normal", [12, 1]), ["KL", "JS", "TV", "Renyi:0.5"]),
    (("Normal", [0, 1]), ("Normal", [0, 0.0625]), ["JS", "TV", "KL"]),
    (("Laplace", [0, 1]), ("Laplace", [1, 1]), [*RATIO, "Neyman", "MMD2:Gaussian"]),
    (
        ("Laplace", [0, 1]),
        ("Laplace", [0, 2]),
        ["KL", "JS", "TV", "Renyi:0.5", "W:1", "W:2", "Energy2"],
    ),
    (
        ("Exponential", [1]),
        ("Exponential", [2]),
        [
            "KL",
            "ReverseKL",
            *BOUNDED,
            "Chi2",
            "Renyi:0.5",
            "W:1",
            "W:2",
            "Energy2",
            "MMD2:Gaussian",
            "MMD2:RationalQuadratic",
        ],
    ),
    (("Gamma", [2, 1]), ("Gamma", [3.5, 0.5]), [*RATIO[:5], "Renyi:0.5", "W:1", "Energy2"]),
    (("Gamma", [0.5, 1]), ("Gamma", [2, 1]), ["KL", "ReverseKL", *BOUNDED, "W:1"]),
    (("Exponential", [1]), ("Weibull", [1.5, 1]), ["KL", "ReverseKL", *BOUNDED, "W:1", "W:2"]),
    (
        ("LogNormal", [0, 1]),
        ("LogNormal", [0.5, 0.75]),
        ["KL", "ReverseKL", *BOUNDED, "W:1", "Energy2"],
    ),
    (("LogNormal", [0, 1]), ("Gamma", [2, 1]), ["JS", "TV", "ReverseKL", "W:1"]),
    (("Weibull", [1.5, 1]), ("Weibull", [1.5, 2]), ["KL", "JS", "TV", "Chi2", "W:1", "W:2"]),
    (("Pareto", [2.5, 1]), ("Pareto", [4, 1]), ["KL", "ReverseKL", *BOUNDED, "W:1", "W:2"]),
    (
        ("Beta", [2, 3]),
        ("Beta", [4, 1.5]),
        ["KL", "ReverseKL", *BOUNDED, "Renyi:0.5", "W:1", "Energy2"],
    ),
    (("Beta", [0.5, 0.5]), ("Beta", [2, 3]), [*BOUNDED, "KL", "W:1"]),
    (("Beta", [2, 3]), ("Uniform", [0, 1]), ["KL", "JS", "TV", "Chi2", "W:1", "Energy2"]),
    (
        ("Uniform", [0, 1]),
        ("Uniform", [0.25, 1.5]),
        [*BOUNDED, "W:1", "W:2", "Energy2", "MMD2:Gaussian", "MMD2:RationalQuadratic"],
    ),
    (("Uniform", [0, 1]), ("Normal", [0, 1]), ["KL", "JS", "TV", "W:1", "W:2", "Energy2"]),
    (("Cauchy", [0, 1]), ("Cauchy", [1, 1]), ["KL", *BOUNDED, "Chi2", "Energy2", "MMD2:Gaussian"]),
    (("Cauchy", [0, 1]), ("Cauchy", [0.5, 3]), ["KL", "JS", "TV", "Renyi:0.5", "MMD2:Gaussian"]),
    (("StudentT", [3, 0, 1]), ("StudentT", [3, 1, 1]), [*RATIO]),
    (("StudentT", [5, 0, 1]), ("StudentT", [3, 0, 2]), ["KL", "ReverseKL", "JS", "TV", "W:1"]),
    (("VonMises", [0, 2]), ("VonMises", [1, 3]), ["KL", "ReverseKL", *BOUNDED, "Renyi:2"]),
    (
        ("Mixture", [[0.25, 0.75], [-2, 1], [0.5, 1]]),
        ("Normal", [0, 1]),
        ["KL", "ReverseKL", *BOUNDED, "W:1", "Energy2"],
    ),
    (
        ("Mixture", [[0.5, 0.5], [-3, 3], [0.5, 0.5]]),
        ("Mixture", [[0.5, 0.5], [-2, 3], [1, 0.5]]),
        ["KL", "JS", "TV", "W:1"],
    ),
]

DISCRETE = [
    (
        ("Bernoulli", [0.25]),
        ("Bernoulli", [0.625]),
        [*RATIO, "Renyi:3", "W:1", "W:2", "Energy2", "MMD2:Gaussian"],
    ),
    (
        ("Categorical", [0.5, 0.25, 0.125, 0.125]),
        ("Categorical", [0.125, 0.25, 0.25, 0.375]),
        [*RATIO, "W:1", "W:2", "Energy2", "MMD2:Laplacian"],
    ),
    (("Poisson", [2]), ("Poisson", [3.5]), [*RATIO, "W:1", "W:2", "Energy2", "MMD2:Gaussian"]),
    (("Poisson", [2]), ("Geometric", [0.5]), ["JS", "TV", "W:1"]),
    (
        ("Geometric", [0.25]),
        ("Geometric", [0.5]),
        ["KL", "ReverseKL", "JS", "TV", "Renyi:0.5", "W:1"],
    ),
    (("Binomial", [10, 0.25]), ("Binomial", [10, 0.5]), ["KL", "JS", "TV", "Chi2", "W:1"]),
    (("NegativeBinomial", [3, 0.5]), ("Poisson", [3]), ["JS", "TV", "ReverseKL", "W:1"]),
]

GENERAL = ([[0.5, -1.0], [[2.0, 0.5], [0.5, 1.0]]], [[0.0, 0.25], [[1.5, -0.25], [-0.25, 2.0]]])
CUBE = (
    [[0.0] * 3, [[1.0, 0.5, 0.25], [0.5, 2.0, 0.0], [0.25, 0.0, 1.5]]],
    [[1.0, -0.5, 0.0], [[1.0, 0.0, 0.0], [0.0, 1.5, 0.5], [0.0, 0.5, 2.0]]],
)


def isotropic(d, mean, variance):
    return [[float(mean)] * d, [[float(variance) * (i == j) for j in range(d)] for i in range(d)]]


NORMALS = [
    (*GENERAL, ["KL", "Renyi:0.5", "Renyi:0.25", "Hellinger2", "W:2", "MMD2:Gaussian"]),
    (*CUBE, ["KL", "Renyi:0.5", "Hellinger2", "W:2", "MMD2:Gaussian"]),
    (isotropic(5, 0, 1), isotropic(5, 0, 2), ["JS", "TV", "Chi2", "Energy2"]),
    (isotropic(10, 0, 1), isotropic(10, 0.5, 1), ["KL", "Chi2", "Energy2", "MMD2:Gaussian"]),
]
DIRICHLETS = [([1, 2, 3], [2, 2, 2], ["KL", "Renyi:0.5"]), ([0.5, 4], [2, 2.5], ["KL"])]
