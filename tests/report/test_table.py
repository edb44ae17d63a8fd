import json
import math
import pickle
import re
import sys

import pytest
from standins import catalogue, estimate

from divergences.definitions import (
    ChiSquared,
    JensenShannon,
    KullbackLeibler,
    SquaredHellinger,
    TotalVariation,
    Wasserstein,
)
from divergences.report import Comparison, verdict
from divergences.report.layout import paragraphs, text_table
from divergences.report.words import interval_words, merged_notes, value_words

SNAPSHOT = """\
P: 200 points, Q: 200 points, 1 feature
divergence  value ± stderr            95 % interval     seconds  in plain words
----------  ------------------------  ----------------  -------  ---------------------------------------
JS          0.1131 ± 0.0069 nats      0.0996 to 0.1266     0.25  differs: 16 % of maximum
KL          0.481 ± 0.031 nats        0.420 to 0.542       0.25  differs: interval above 0
TV          0.383 ± 0.021             0.342 to 0.424       0.25  differs: best guess right in 69 %
W1          0.021 ± 0.018 data units  -0.034 to 0.056      0.25  no difference seen: interval contains 0
MMD         -0.020 ± 0.023            -0.040 to 0.028      0.25  no difference seen: interval contains 0
- Methods: JS, KL, TV by auto: stand-in; W1 by auto: exact transport by sorting; MMD by auto:
  unbiased statistic over all pairs.
- JS, KL: Biased upward by about 0.01 (JS), 0.02 (KL), judging by the same fit on half the data.
- W1: The plug-in is biased upward."""  # noqa: E501


def test_table_snapshot():
    assert Comparison(catalogue()).to_text(width=120) == SNAPSHOT


@pytest.mark.parametrize("width", [60, 70, 80, 100, 120, 160])
def test_no_fact_is_cut_at_any_width(width):
    comparison = Comparison(catalogue())
    words = re.sub(r"\s+", " ", comparison.to_text(width))
    for found in comparison:
        assert value_words(found) in words
        assert interval_words(found) in words
        assert verdict(found) in words
        assert found.how in words
    assert "judging by the same fit on half the data." in words


@pytest.mark.parametrize("width", [75, 80, 100, 120, 160])
def test_table_fits_the_width(width):
    lines = Comparison(catalogue()).to_text(width).splitlines()
    assert max(map(len, lines)) <= width


def test_width_follows_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "78")
    comparison = Comparison(catalogue())
    assert str(comparison) == repr(comparison) == comparison.to_text(78)
    monkeypatch.setenv("COLUMNS", "160")
    assert "method " in repr(comparison).splitlines()[1]


def test_rows_of_one_divergence_name_it_once():
    rows = tuple(estimate(inner=inner) for inner in (0.1, 0.3, 0.2))
    each = Comparison(rows, ("a", "b", "c"), "feature")
    text = each.to_text(120)
    assert "JS ± stderr, nats" in text.splitlines()[1]
    assert "Method of all: auto: stand-in" in text
    assert each.sorted().labels == ("b", "c", "a")
    assert each.sorted()["b"].value == 0.3


def test_very_large_values_keep_few_digits():
    found = estimate(ChiSquared(), 1.7451e19, 1.7328e19)
    assert value_words(found) == "1.7e+19 ± 1.7e+19"
    assert interval_words(found) == "-1.7e+19 to 5.1e+19"
    assert verdict(found) == "too noisy to tell: interval contains 0"


def test_rows_of_one_method_name_it_once_in_a_narrow_terminal():
    each = Comparison((estimate(), estimate(inner=0.2)), ("a" * 30, "b" * 30), "feature")
    text = each.to_text(60)
    assert text.count("stand-in") == 1
    assert "    differs: 14 % of maximum" in text.splitlines()


def test_indexing():
    comparison = Comparison(catalogue())
    assert comparison["W1"] is comparison[3] is comparison[-2]
    assert comparison[1:3].labels == ("KL", "TV")
    assert [found.definition.symbol for found in comparison] == ["JS", "KL", "TV", "W1", "MMD"]
    assert len(comparison) == 5
    with pytest.raises(KeyError, match="'W2' is not among 'JS', 'KL', 'TV', 'W1', 'MMD'"):
        comparison["W2"]


def test_labels_must_fit():
    with pytest.raises(ValueError, match="labels must name each of the 5 estimates, but there are"):
        Comparison(catalogue(), ("a",))


def test_empty_comparison_says_so():
    assert repr(Comparison(())) == "No estimates."


def test_html_escapes():
    html = Comparison((estimate(how="a < b & c"), estimate(KullbackLeibler())))._repr_html_()
    assert html.count("<tr>") == 3
    assert "a &lt; b &amp; c" in html
    assert "a < b" not in html


def test_to_dict_survives_json():
    comparison = Comparison(catalogue())
    rows = json.loads(json.dumps(comparison.to_dict()))["estimates"]
    assert [row["label"] for row in rows] == list(comparison.labels)
    assert [row["value"] for row in rows] == [found.value for found in comparison]
    assert rows[0]["interval"] == list(comparison[0].interval())


def test_to_frame():
    frame = Comparison(catalogue()).to_frame()
    assert list(frame["label"]) == ["JS", "KL", "TV", "W1", "MMD"]
    assert frame["value"].dtype == float
    assert (frame["low"] <= frame["value"]).all()
    assert (frame["value"] <= frame["high"]).all()
    assert frame.loc[3, "notes"] == "The plug-in is biased upward."


def test_to_frame_without_pandas_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'divergences\[dataframes\]'"):
        Comparison(catalogue()).to_frame()


def test_comparison_pickles_and_is_frozen():
    comparison = Comparison(catalogue())
    assert pickle.loads(pickle.dumps(comparison)).to_text(100) == comparison.to_text(100)
    with pytest.raises(AttributeError):
        comparison.estimates = ()


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (estimate(JensenShannon(), 0.35, 0.01), "differs: 50 % of maximum"),
        (estimate(JensenShannon(2), 0.35, 0.01), "differs: 50 % of maximum"),
        (estimate(SquaredHellinger(), 0.25, 0.01), "differs: 25 % of maximum"),
        (
            estimate(TotalVariation(), 0.5, 0.01),
            "differs: best guess right in 75 %",
        ),
        (estimate(ChiSquared(), 0.5, 0.01), "differs: interval above 0"),
        (estimate(ChiSquared(), 0.01, 0.01), "no difference seen: interval contains 0"),
        (estimate(ChiSquared(), -0.1, 0.01), "no difference seen: interval contains 0"),
        (
            estimate(Wasserstein(1), 0.1, 0.01, bias=0.2),
            "no difference seen: interval contains 0",
        ),
        (
            estimate(ChiSquared(), -0.1, 0.01, bias=-0.2),
            "no difference seen; 0.12 not excluded",
        ),
        (estimate(KullbackLeibler(), math.inf, 0.0, exact=True), "differs: infinite"),
        (estimate(KullbackLeibler(), 0.0, 0.0, exact=True), "no difference: exactly 0"),
        (estimate(Wasserstein(1), 0.0, 0.0), "no difference seen: value 0"),
        (estimate(KullbackLeibler(), 0.5, 0.0, exact=True), "differs: exact value"),
    ],
)
def test_verdict(found, words):
    assert verdict(found) == words


def test_value_and_interval_end_at_the_same_decimal():
    found = estimate(KullbackLeibler(), 0.48124, 0.03111)
    assert value_words(found) == "0.481 ± 0.031 nats"
    assert value_words(found, with_unit=False) == "0.481 ± 0.031"
    assert interval_words(found) == "0.420 to 0.542"
    exact = estimate(KullbackLeibler(), 0.5, 0.0, exact=True)
    assert (value_words(exact), interval_words(exact)) == ("0.5 nats", "exact")
    assert interval_words(estimate(Wasserstein(1), 0.0, 0.0)) == "0 to 0"


def test_notes_are_said_once_and_list_their_rows():
    notes = [["Slow.", "Off by 1 %."], ["Slow."], ["Slow.", "Off by 2.5 %."]]
    assert merged_notes(["a", "b", "c"], notes) == [
        "All: Slow.",
        "a, c: Off by 1 % (a), 2.5 % (c).",
    ]


def test_notes_of_many_rows_give_a_range():
    labels = [f"x{i}" for i in range(30)]
    notes = [[f"Off by 0.{i + 10}."] for i in range(20)] + [[] for _ in range(10)]
    assert merged_notes(labels, notes) == ["20 of 30: Off by 0.10 to 0.29."]


def test_words_that_hold_digits_are_not_numbers():
    assert merged_notes(["a", "b"], [["Use W2."], ["Use W1."]]) == ["a: Use W2.", "b: Use W1."]


def test_text_table_wraps_flexible_columns_only():
    text = text_table(
        ["a", "b"],
        [["x" * 10, "some words that are too long for one line"]],
        flexible=[1],
        width=36,
    )
    assert text.splitlines()[2:] == [
        "xxxxxxxxxx  some words that are too",
        "            long for one line",
    ]


def test_paragraphs_hang():
    assert paragraphs(["one two three four five six seven eight nine ten"], width=40) == (
        "- one two three four five six seven\n  eight nine ten"
    )
