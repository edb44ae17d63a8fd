import math

import pytest

from divergences import api
from divergences.definitions import (
    MMD,
    Energy,
    JensenShannon,
    JensenShannonDistance,
    KullbackLeibler,
    Renyi,
    ReverseKL,
    SlicedWasserstein,
    SquaredHellinger,
    TotalVariation,
    Wasserstein,
)
from divergences.estimation import CATALOGUE
from divergences.naming import definition_named, known_names


@pytest.mark.parametrize("definition", CATALOGUE, ids=lambda definition: definition.symbol)
def test_every_symbol_and_title_is_known(definition):
    assert definition_named(definition.symbol) == definition
    assert definition_named(definition.symbol.lower()) == definition
    assert type(definition_named(definition.title)) is type(definition)
    assert type(definition_named(type(definition).__name__)) is type(definition)


def test_every_everyday_call_is_a_name():
    calls = [
        name
        for name, value in vars(api).items()
        if hasattr(value, "__signature__") and value.__module__.startswith(api.__name__)
    ]
    named = [call for call in calls if call != "f_divergence"]
    assert len(named) >= 12
    for call in named:
        assert definition_named(call) is not None


@pytest.mark.parametrize(
    ("name", "definition"),
    [
        ("js", JensenShannon()),
        ("Jensen-Shannon", JensenShannon()),
        ("js_divergence", JensenShannon()),
        ("js_distance", JensenShannonDistance()),
        ("sqrt(JS)", JensenShannonDistance()),
        ("kl", KullbackLeibler()),
        ("reverse_kl", ReverseKL()),
        ("tv", TotalVariation()),
        ("total variation", TotalVariation()),
        ("h2", SquaredHellinger()),
        ("w1", Wasserstein(1)),
        ("wasserstein", Wasserstein(1)),
        ("W1.5", Wasserstein(1.5)),
        ("wasserstein3", Wasserstein(3)),
        ("sw1", SlicedWasserstein(1)),
        ("renyi", Renyi(0.5)),
        ("Rényi 2", Renyi(2)),
        ("mmd", MMD()),
        ("squared_mmd", MMD(squared=True)),
        ("energy", Energy()),
        ("energy_distance", Energy()),
        ("squared_energy_distance", Energy(squared=True)),
    ],
)
def test_names(name, definition):
    assert definition_named(name) == definition


def test_names_in_bits_are_not_meant():
    assert definition_named("js").base == math.e


def test_no_name_means_two_things():
    assert all(name == name.lower() for name in known_names())
    assert known_names()["jensenshannon"] == JensenShannon()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wasserstien", r"not 'wasserstien'\. Did you mean W1\?"),
        ("hellinger", r"not 'hellinger'\. Did you mean H²\?"),
        ("xyz", r"divergence must be one of JS, KL, .*, not 'xyz'\.$"),
        ("w0.5", "order must be a number of at least 1, not 0.5"),
        ("", r"not ''\.$"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(ValueError, match=message):
        definition_named(name)
