"""The answer is a float, frozen, and honest about its error bar on the outer scale."""

import copy
import json
import math
import pickle
from dataclasses import dataclass

import numpy as np
import pytest

from divergences.definitions import (
    MMD,
    Energy,
    JensenShannon,
    KullbackLeibler,
    Renyi,
    TotalVariation,
    Wasserstein,
)
from divergences.estimate import Circumstances, Estimate, Reading
from divergences.numerals import rounded_together


@dataclass(frozen=True)
class FirstFeature:
    """A critic that can be pickled."""

    slope: float

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return self.slope * points[:, 0]


def make(
    inner=0.113142,
    stderr=0.006931,
    *,
    definition=None,
    bias=0.0,
    critic=FirstFeature(2.0),
    n=2000,
    m=1500,
    d=1,
    notes=("one note",),
    bracket=(0.1, 0.2),
    diagnostics=None,
) -> Estimate:
    reading = Reading(inner, stderr, bias, notes, critic, bracket, diagnostics)
    circumstances = Circumstances(
        definition or JensenShannon(), "the method", "KDE, scott", d, n, m, 0.25
    )
    return Estimate(reading, circumstances)


def test_it_behaves_as_a_float():
    estimate = make(0.25)
    assert isinstance(estimate, float)
    assert estimate == 0.25
    assert estimate < 0.26
    assert 1 - estimate == 0.75
    assert type(estimate + 1) is float
    assert type(estimate.value) is float
    assert math.sqrt(estimate) == 0.5
    assert hash(estimate) == hash(0.25)
    assert {estimate: "found"}[0.25] == "found"
    assert sorted([make(0.3), make(0.1), make(0.2)]) == [0.1, 0.2, 0.3]
    assert np.mean([make(0.1), make(0.3)]) == pytest.approx(0.2)
    assert np.asarray([make(0.1)]).dtype == np.float64
    assert f"{estimate:.3f}" == "0.250"
    assert f"{estimate:8.2%}" == "  25.00%"
    assert json.dumps({"js": estimate}) == '{"js": 0.25}'
    assert f"{estimate}" == repr(estimate) == str(estimate)


def test_it_remembers_the_question():
    estimate = make()
    assert estimate.definition == JensenShannon()
    assert estimate.method == "the method"
    assert estimate.how == "KDE, scott"
    assert (estimate.n, estimate.m, estimate.d) == (2000, 1500, 1)
    assert estimate.unit == "nats"
    assert estimate.seconds == 0.25
    assert estimate.notes == ("one note",)
    assert estimate.bracket == (0.1, 0.2)
    assert estimate.diagnostics == {}
    assert make(diagnostics={"gap": 1e-9}).diagnostics == {"gap": 1e-9}
    assert estimate.samples is None


@pytest.mark.parametrize("name", ["value", "stderr", "reading", "anything"])
def test_it_is_frozen(name):
    estimate = make()
    with pytest.raises(AttributeError, match=f"^An Estimate is frozen: '{name}' cannot be set.$"):
        setattr(estimate, name, 1.0)
    with pytest.raises(AttributeError, match=f"^An Estimate is frozen: '{name}' cannot be del"):
        delattr(estimate, name)


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy]
    + [
        lambda estimate, protocol=protocol: pickle.loads(pickle.dumps(estimate, protocol))
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    ],
)
def test_it_copies_and_pickles_whole(duplicate):
    estimate = make(bias=0.002, definition=Wasserstein(2), diagnostics={"tries": 2})
    twin = duplicate(estimate)
    assert type(twin) is Estimate
    assert twin == estimate
    assert repr(twin) == repr(estimate)
    assert twin.interval(0.9) == estimate.interval(0.9)
    assert twin.to_dict() == estimate.to_dict()
    assert twin.critic([[1.0], [3.0]]).tolist() == [2.0, 6.0]


def test_repr_tells_the_whole_story():
    assert repr(make()) == (
        "JS = 0.1131 ± 0.0069 nats (95 % interval 0.0996 to 0.1267; KDE, scott; "
        "n=2000, m=1500, d=1)"
    )
    assert repr(make(2.0, 0.5, definition=Wasserstein(1), d=3)) == (
        "W1 = 2.00 ± 0.50 data units (95 % interval 1.02 to 2.98; KDE, scott; n=2000, m=1500, d=3)"
    )
    assert repr(make(0.5, 0.01, definition=TotalVariation())).startswith("TV = 0.500 ± 0.010 (95 %")
    exact = make(0.5, 0.0, n=None, m=None)
    assert repr(exact) == "JS = 0.5 nats (KDE, scott; d=1)"
    assert "bits" in repr(make(definition=JensenShannon(2)))


def test_rounding_keeps_two_digits_of_the_error():
    assert rounded_together(0.113142, 0.006931) == ["0.1131", "0.0069"]
    assert rounded_together(123.456, 12.3) == ["123", "12"]
    assert rounded_together(5e-12, 1e-13) == ["5e-12", "1e-13"]
    assert rounded_together(math.inf, 0.0) == ["inf", "0"]
    assert rounded_together(1.0, math.inf) == ["1", "inf"]


def test_interval_is_normal_on_the_inner_scale():
    estimate = make(0.2, 0.01)
    assert estimate.interval(0.95) == pytest.approx((0.2 - 0.0195996, 0.2 + 0.0195996), abs=1e-7)
    assert estimate.interval(0.6826894921) == pytest.approx((0.19, 0.21), abs=1e-9)
    narrow, wide = estimate.interval(0.5), estimate.interval(0.99)
    assert wide[0] < narrow[0] < 0.2 < narrow[1] < wide[1]


def test_interval_reaches_as_far_as_the_bias_on_its_own_side():
    plain = make(0.2, 0.01).interval()
    above = make(0.2, 0.01, bias=0.05).interval()
    below = make(0.2, 0.01, bias=-0.05).interval()
    assert above == pytest.approx((plain[0] - 0.05, plain[1]))
    assert below == pytest.approx((plain[0], plain[1] + 0.05))
    assert make(0.2, 0.01, bias=0.05).bias == pytest.approx(0.05)
    assert make(0.2, 0.01, bias=-0.05).bias == pytest.approx(-0.05)


def test_interval_does_not_pass_the_largest_value_there_is():
    assert make(0.69, 0.05).interval()[1] == math.log(2)
    assert make(0.95, 0.05, definition=TotalVariation()).interval()[1] == 1.0
    assert make(0.95, 0.05, definition=KullbackLeibler()).interval()[1] > 1.0
    # A value that noise took beyond stays in its interval.
    assert make(1.02, 0.01, definition=TotalVariation()).interval()[1] == 1.02


def test_outer_function_transforms_value_error_bias_and_interval():
    estimate = make(4.0, 0.4, definition=Wasserstein(2), bias=0.8)
    assert estimate == 2.0
    assert estimate.stderr == pytest.approx((math.sqrt(4.4) - math.sqrt(3.6)) / 2)
    assert estimate.bias == pytest.approx(2.0 - math.sqrt(3.2))
    low, high = estimate.interval(0.95)
    assert low == pytest.approx(math.sqrt(4.0 - 1.959964 * 0.4 - 0.8), rel=1e-6)
    assert high == pytest.approx(math.sqrt(4.0 + 1.959964 * 0.4), rel=1e-6)


def test_base_two_scales_value_and_error_alike():
    nats, bits = make(0.3, 0.02), make(0.3, 0.02, definition=JensenShannon(2))
    assert bits == pytest.approx(nats / math.log(2))
    assert bits.stderr == pytest.approx(nats.stderr / math.log(2))
    assert bits.unit == "bits"


@pytest.mark.parametrize(
    "definition", [Energy(), MMD(), Wasserstein(3), Renyi(0.5), Renyi(3.0), KullbackLeibler(2)]
)
def test_interval_is_ordered_around_the_value_even_below_zero(definition):
    for inner in (-0.02, 0.0, 0.01, 0.3):
        estimate = make(inner, 0.05, definition=definition, bias=0.01)
        low, high = estimate.interval()
        assert low < estimate < high
        assert estimate.stderr > 0


def test_a_negative_square_shows_as_a_negative_root():
    assert make(-0.04, 0.1, definition=MMD()) == pytest.approx(-0.2)


def test_an_infinite_exact_value():
    estimate = make(math.inf, 0.0, n=None, m=None, bracket=None, critic=None)
    assert estimate == math.inf
    assert estimate.stderr == 0.0
    assert estimate.interval() == (math.inf, math.inf)
    assert repr(estimate) == "JS = inf nats (KDE, scott; d=1)"


def test_to_dict_is_json():
    found = make(bias=0.001, diagnostics={"duality gap": 1e-12}).to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["divergence"] == "JS"
    assert found["value"] == pytest.approx(0.113142)
    assert found["interval"] == list(make(bias=0.001).interval())
    assert found["bracket"] == [0.1, 0.2]
    assert (found["n"], found["m"], found["d"]) == (2000, 1500, 1)
    assert found["notes"] == ["one note"]
    assert type(found["value"]) is float


def test_critic_accepts_points_of_any_kind_and_names_a_wrong_shape():
    estimate = make()
    assert estimate.has_critic
    assert estimate.critic([1.0, 2.0]).tolist() == [2.0, 4.0]
    assert estimate.critic(np.float32([[1.0]])).tolist() == [2.0]
    assert estimate.critic(3.0).tolist() == [6.0]
    with pytest.raises(ValueError, match=r"^points must have shape \(k, 2\) for the features"):
        make(d=2).critic([1.0, 2.0, 3.0])
    without = make(critic=None)
    assert not without.has_critic
    with pytest.raises(AttributeError, match=r"^The method 'KDE, scott' has no critic to evaluate"):
        without.critic([1.0])


def test_notes_can_be_added_to_a_reading():
    reading = Reading(1.0, 0.1, notes=("a",))
    assert reading.with_notes("b", "c").notes == ("a", "b", "c")
    assert reading.notes == ("a",)
