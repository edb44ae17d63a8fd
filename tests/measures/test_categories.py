"""Categorical columns at the door: what counts as one, and that both samples get common codes."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from divergences.measures import as_samples, check_pair, with_common_levels
from divergences.measures.categories import MISSING, MOST_LEVELS, OTHERS

CITIES = ["Rome", "Bonn", "Rome", None]
FRAMES = {
    "pandas str": pd.DataFrame({"n": [1, 2, 3, 4], "city": CITIES}),
    "pandas object": pd.DataFrame({"n": [1, 2, 3, 4], "city": pd.Series(CITIES, dtype=object)}),
    "pandas category": pd.DataFrame(
        {"n": [1, 2, 3, 4], "city": pd.Categorical(CITIES, ["Rome", "Oslo", "Bonn"])}
    ),
    "pandas ordered": pd.DataFrame(
        {"n": [1, 2, 3, 4], "city": pd.Categorical(CITIES, ["Rome", "Bonn"], ordered=True)}
    ),
    "polars String": pl.DataFrame({"n": [1, 2, 3, 4], "city": CITIES}),
    "polars Categorical": pl.DataFrame(
        {"n": [1, 2, 3, 4], "city": pl.Series(CITIES, dtype=pl.Categorical)}
    ),
    "polars Enum": pl.DataFrame(
        {"n": [1, 2, 3, 4], "city": pl.Series(CITIES, dtype=pl.Enum(["Rome", "Bonn"]))}
    ),
    "polars LazyFrame": pl.LazyFrame({"n": [1, 2, 3, 4], "city": CITIES}),
    "pyarrow string": pa.table({"n": [1, 2, 3, 4], "city": CITIES}),
    "pyarrow dictionary": pa.table(
        {"n": [1, 2, 3, 4], "city": pa.array(CITIES).dictionary_encode()}
    ),
}


def read(data, name="p", **options):
    return as_samples(data, name=name, categories=True, **options)


def pair(first, second, **options):
    p, q = read(first, "p", **options), read(second, "q", **options)
    check_pair(p, q)
    return with_common_levels(p, q)


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_levels_are_sorted_and_gaps_are_missing(frame):
    sample = read(frame, nan_policy="keep")
    assert sample.levels == (None, ("Bonn", "Rome"))
    np.testing.assert_array_equal(sample.points[:, 1], [1, 0, 1, np.nan])
    assert sample.categorical == ("city",)
    assert sample.level_counts.tolist() == [0, 2]
    assert read(frame, nan_policy="omit").n == 3
    with pytest.raises(ValueError, match=r"NaN in 1 of 4 rows; column \(count\): 'city' \(1\)\."):
        read(frame)


def test_truth_values_and_numbers_stay_numbers():
    frame = pd.DataFrame(
        {
            "a": [True, False, True],
            "b": pd.Series([True, None, False], dtype=object),
            "c": [1, 2, 3],
        }
    )
    sample = read(frame, nan_policy="keep")
    assert sample.levels is None
    assert sample.categorical == ()
    np.testing.assert_array_equal(sample.points, [[1, 1, 1], [0, np.nan, 2], [1, 0, 3]])


def test_a_series_of_strings_is_one_categorical_feature():
    sample = read(pl.Series(["x", "y", "x"]))
    assert (sample.columns, sample.levels) == (None, (("x", "y"),))
    assert sample.categorical == ("0",)


def test_categories_only_where_they_are_asked_for():
    message = r"p must have numeric columns, but 1 of 2 is not: 'city' \(string\)\. Drop or encode"
    with pytest.raises(TypeError, match=message):
        as_samples(FRAMES["pyarrow string"])
    message = "p must have numeric columns, but 'city' holds categories. Drop or encode them."
    with pytest.raises(TypeError, match=message):
        as_samples(read(FRAMES["pandas str"], nan_policy="omit"))


@pytest.mark.parametrize(
    "column",
    [pd.to_datetime(["2020-01-01", "2021-01-01"]), pd.Series([1, "x"], dtype=object)],
    ids=["dates", "a mixture"],
)
def test_what_is_neither_is_refused(column):
    message = r"p must have columns of numbers or categories, but 1 of 2 is not: 'b' \(.+\)\. Drop"
    with pytest.raises(TypeError, match=message):
        read(pd.DataFrame({"a": [1, 2], "b": column}))


def test_levels_of_one_sample_get_a_code_in_both():
    p, q = pair(pd.DataFrame({"c": ["b", "c", "b"]}), pl.DataFrame({"c": ["a", "c", "d"]}))
    assert p.levels == q.levels == (("a", "b", "c", "d"),)
    assert p.points.ravel().tolist() == [1, 2, 1]
    assert q.points.ravel().tolist() == [0, 2, 3]
    assert not p.points.flags.writeable


def test_the_order_of_rows_and_of_categories_does_not_matter():
    rows = ["b", "c", "b", "a"]
    p, q = pair(
        pd.DataFrame({"c": pd.Categorical(rows, ["c", "b", "a"])}),
        pd.DataFrame({"c": pd.Categorical(rows[::-1], ["a", "c", "b"])}),
    )
    np.testing.assert_array_equal(p.points, q.points[::-1])


def test_whole_numbers_are_the_same_levels_as_floats():
    # Of a column of whole numbers a gap makes floats.
    p, q = pair(
        pd.DataFrame({"c": pd.Categorical([1, 2, 1])}),
        pd.DataFrame({"c": pd.Categorical([1.0, 2.0, np.nan])}),
        nan_policy="keep",
    )
    assert p.levels == ((1, 2, MISSING),)
    assert q.points.ravel().tolist() == [0, 1, 2]


def test_a_missing_category_is_a_level():
    p, q = pair(
        pd.DataFrame({"c": ["z", None, "a"], "x": [1.0, 2, 3]}),
        pd.DataFrame({"c": ["a", "z", "n"], "x": [1.0, 2, 3]}),
        nan_policy="keep",
    )
    assert p.levels == (("a", MISSING, "n", "z"), None)
    assert p.points[:, 0].tolist() == [3, 1, 0]
    assert q.points[:, 0].tolist() == [0, 3, 2]
    assert p.missing == q.missing == 0
    assert p.notes == ("1 of 3 rows of p lack values: to lack one counts as a value of its own.",)


def test_levels_that_are_named_like_ours_stay_apart():
    p, q = pair(
        pd.DataFrame({"c": ["missing", None, "a"]}),
        pd.DataFrame({"c": ["a", "others", None]}),
        nan_policy="keep",
    )
    assert [str(level) for level in p.levels[0]] == ["a", "missing", "missing", "others"]
    assert p.points[0, 0] != p.points[1, 0] == q.points[2, 0]
    frequent = np.repeat(["others", *(f"f{i}" for i in range(MOST_LEVELS - 2))], 2)
    p, _ = pair(
        pd.DataFrame({"id": [*frequent, *(f"p{i}" for i in range(300))]}),
        pd.DataFrame({"id": frequent}),
    )
    assert p.levels[0][-1] is OTHERS
    assert (p.points == MOST_LEVELS - 1).sum() == 300
    assert (p.points == p.levels[0].index("others")).sum() == 2


def test_common_levels_stay_when_samples_pass_again():
    p, q = pair(
        pd.DataFrame({"c": ["z", None, "a"]}),
        pd.DataFrame({"c": ["a", "z", "n"]}),
        nan_policy="keep",
    )
    again = pair(p, q, nan_policy="keep")
    for before, after in zip((p, q), again, strict=True):
        np.testing.assert_array_equal(before.points, after.points)
        assert (before.levels, before.notes) == (after.levels, after.notes)


def test_rare_levels_of_very_many_count_as_one():
    frequent = np.repeat([f"f{i}" for i in range(MOST_LEVELS - 1)], 2)
    p, q = pair(
        pd.DataFrame({"id": [*frequent, *(f"p{i}" for i in range(300))]}),
        pd.DataFrame({"id": [*frequent, *(f"q{i}" for i in range(200))]}),
    )
    assert len(p.levels[0]) == MOST_LEVELS
    assert p.levels[0][-1] == OTHERS
    assert (p.points == MOST_LEVELS - 1).sum() == 300
    assert (q.points == MOST_LEVELS - 1).sum() == 200
    assert p.notes[0].startswith("'id' has 749 levels: the 249 most frequent are kept apart")
    assert len(pair(p, q)[0].notes) == 1
    assert p.coded(pd.DataFrame({"id": ["f7", "new"]})).ravel().tolist() == [
        p.levels[0].index("f7"),
        MOST_LEVELS - 1,
    ]


def test_columns_of_different_kinds_are_refused():
    message = (
        r"^p and q must have columns of the same kind, but 'c' holds categories in q and numbers "
        r"in p\. Convert one of them, as in p\['c'\]\.astype\('category'\)\.$"
    )
    with pytest.raises(ValueError, match=message):
        pair(pd.DataFrame({"c": [1, 2]}), pd.DataFrame({"c": ["1", "2"]}))


def test_features_are_chosen_with_their_levels():
    sample = read(FRAMES["polars String"], nan_policy="omit")
    assert sample.select(1).levels == (("Bonn", "Rome"),)
    assert sample.select(0).levels is None
    assert sample.features([1, 0]).levels == (("Bonn", "Rome"), None)


def test_further_points_are_coded_alike():
    p, _ = pair(
        pd.DataFrame({"c": ["b", "c"], "x": [0, 1]}), pl.DataFrame({"c": ["a", "c"], "x": [0, 1]})
    )
    assert p.coded(pl.DataFrame({"c": ["c", "a"], "x": [5, 6]})).tolist() == [[2, 5], [0, 6]]
    assert p.coded(np.array([[2, 5]])).tolist() == [[2, 5]]
    with pytest.raises(ValueError, match="points must have levels of 'c' that the samples have, n"):
        p.coded(pl.DataFrame({"c": ["c", "new"], "x": [5, 6]}))
