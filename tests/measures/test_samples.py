"""The door: what comes in, what is refused, and that nothing of the caller's changes."""

import array
import collections

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

import divergences as dv
from divergences.measures.samples import Samples, as_samples, check_pair

COLUMN = [1.0, 2.0, 4.0]
TABLE = [[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]]


class ArrayLike:
    def __array__(self, dtype=None, copy=None):
        return np.array(COLUMN, dtype=dtype)


ONE_FEATURE = {
    "list": COLUMN,
    "tuple": tuple(COLUMN),
    "list of rows": [[value] for value in COLUMN],
    "deque": collections.deque(COLUMN),
    "array.array": array.array("d", COLUMN),
    "memoryview": memoryview(np.array(COLUMN)),
    "object with __array__": ArrayLike(),
    "numpy": np.array(COLUMN),
    "numpy column": np.array(COLUMN).reshape(-1, 1),
    "reversed twice": np.array(COLUMN)[::-1][::-1],
    "strided": np.array([1.0, 9.0, 2.0, 9.0, 4.0])[::2],
    "big endian": np.array(COLUMN, dtype=">f8"),
    "unmasked": np.ma.array(COLUMN),
    "list of 0-d tensors": [torch.tensor(value, requires_grad=True) for value in COLUMN],
    "tensor with gradient": torch.tensor(COLUMN, requires_grad=True),
    "negated view": torch.tensor([-1j * value for value in COLUMN]).conj().imag,
    "pandas Series": pd.Series(COLUMN, name="x"),
    "pandas Series, odd index": pd.Series(COLUMN, index=[7, 7, 7]),
    "pandas Index": pd.Index(COLUMN),
    "pandas Int64": pd.array([1, 2, 4], dtype="Int64"),
    "pandas float32": pd.Series(COLUMN, dtype="float32"),
    "pandas arrow": pd.Series(COLUMN, dtype="double[pyarrow]"),
    "polars Series": pl.Series("x", COLUMN),
    "polars integers": pl.Series([1, 2, 4], dtype=pl.UInt8),
    "pyarrow Array": pa.array(COLUMN),
    "pyarrow ChunkedArray": pa.chunked_array([COLUMN[:1], COLUMN[1:]]),
}

TWO_FEATURES = {
    "pandas": pd.DataFrame(TABLE, columns=["a", "b"]),
    "pandas, mixed dtypes": pd.DataFrame({"a": [1, 2, 4], "b": np.float32([10, 20, 40])}),
    "polars": pl.DataFrame(TABLE, schema=["a", "b"], orient="row"),
    "polars LazyFrame": pl.LazyFrame(TABLE, schema=["a", "b"], orient="row"),
    "pyarrow Table": pa.table({"a": [1, 2, 4], "b": [10, 20, 40]}),
    "pyarrow RecordBatch": pa.record_batch({"a": [1, 2, 4], "b": [10.0, 20.0, 40.0]}),
}


@pytest.mark.parametrize("data", ONE_FEATURE.values(), ids=ONE_FEATURE)
def test_one_dimension_means_one_feature(data):
    samples = as_samples(data)
    assert samples.points.tolist() == [[1.0], [2.0], [4.0]]
    assert samples.points.dtype == np.float64
    assert samples.points.flags.c_contiguous
    assert not samples.points.flags.writeable
    assert samples.columns is None
    assert samples.weights is None
    assert samples.notes == ()
    assert (samples.n, samples.d) == (3, 1)


@pytest.mark.parametrize("data", TWO_FEATURES.values(), ids=TWO_FEATURES)
def test_frames_keep_the_names_of_their_columns(data):
    samples = as_samples(data)
    assert samples.points.tolist() == TABLE
    assert samples.columns == ("a", "b")


@pytest.mark.parametrize(
    "dtype",
    ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "g"],
)
def test_every_real_numpy_dtype_is_converted(dtype):
    samples = as_samples(np.array([0, 1, 1], dtype=dtype))
    assert samples.points.dtype == np.float64
    assert samples.points.ravel().tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    "dtype",
    [
        torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16,
        torch.uint32, torch.uint64, torch.float16, torch.bfloat16, torch.float32, torch.float64,
        torch.float8_e4m3fn,
    ],
    ids=str,
)  # fmt: skip
def test_every_real_torch_dtype_is_converted(dtype):
    samples = as_samples(torch.tensor([0, 1, 1]).to(dtype))
    assert samples.points.dtype == np.float64
    assert samples.points.ravel().tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    "make",
    [np.ascontiguousarray, np.asfortranarray, lambda x: np.repeat(x, 2, axis=1)[:, ::2]],
    ids=["C", "F", "strided"],
)
def test_memory_order_does_not_matter(make):
    data = make(np.array(TABLE))
    assert as_samples(data).points.tolist() == TABLE
    tensor = torch.as_tensor(np.array(TABLE)).T.contiguous().T
    assert as_samples(tensor).points.tolist() == TABLE


def test_integer_column_names_and_multiindex_become_strings():
    assert as_samples(pd.DataFrame(TABLE)).columns == ("0", "1")
    multi = pd.DataFrame(TABLE, columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)]))
    assert as_samples(multi).columns == ("('a', 1)", "('a', 2)")


def test_series_of_different_names_can_be_compared():
    p, q = as_samples(pd.Series(COLUMN, name="men")), as_samples(pd.Series(COLUMN, name="women"))
    check_pair(p, q)
    assert p.columns is q.columns is None


@pytest.mark.parametrize(
    "data",
    [
        pd.Series([1, None, 3], dtype="Int64"),
        pd.Series([1, None, 3], dtype="int64[pyarrow]"),
        pd.Series([1.0, None, 3.0]),
        pd.DataFrame({"a": pd.array([True, None, True], dtype="boolean")}),
        pl.Series([1, None, 3]),
        pl.DataFrame({"a": [True, None, True]}),
        pa.array([1, None, 3]),
        pa.array([True, None, True]),
        pa.table({"a": [1.5, None, 3.0]}),
        np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False]),
        np.ma.array([1, 2, 3], mask=[False, True, False]),
        [np.ma.array([1, 2], mask=[0, 0]), np.ma.array([3, 4], mask=[0, 1]), np.ma.array([5, 6])],
        torch.tensor([1.0, float("nan"), 2.0]),
    ],
)
def test_whatever_is_missing_counts_as_nan(data):
    with pytest.raises(ValueError, match=r"^p must be finite, but it has NaN in 1 of 3 rows;"):
        as_samples(data)
    kept = as_samples(data, nan_policy="omit")
    assert kept.n == 2
    assert kept.notes == ("1 of 3 rows of p were left out: NaN or infinite values.",)


def test_missing_values_are_kept_where_that_is_asked_for():
    samples = as_samples([[1.0, np.nan], [2.0, 3.0], [np.nan, np.nan]], nan_policy="keep")
    assert samples.missing == 2
    assert samples.notes == (
        "2 of 3 rows of p lack values: to lack one counts as a value of its own.",
    )
    with pytest.raises(ValueError, match="it has NaN or infinite values in 1 of 3 rows"):
        as_samples([1.0, np.nan, np.inf], nan_policy="keep")
    whole = as_samples([1.0, 2.0], nan_policy="keep")
    assert (whole.missing, whole.notes) == (0, ())


def test_omitted_rows_take_their_weights_along():
    data = [[1.0, 2.0], [np.nan, 0.0], [3.0, np.inf], [5.0, 6.0]]
    samples = as_samples(data, name="q", weights=[1, 100, 100, 3], nan_policy="omit")
    assert samples.points.tolist() == [[1.0, 2.0], [5.0, 6.0]]
    assert samples.mass.tolist() == [0.25, 0.75]
    assert samples.notes == ("2 of 4 rows of q were left out: NaN or infinite values.",)


def test_points_of_zero_weight_are_left_out():
    samples = as_samples([1.0, 2.0, 3.0, 4.0], weights=[1, 0, 2, 1])
    assert samples.points.ravel().tolist() == [1.0, 3.0, 4.0]
    assert samples.mass.tolist() == [0.25, 0.5, 0.25]
    assert samples.notes == ("1 of 4 rows of p were left out: zero weight.",)


@pytest.mark.parametrize(
    "weights",
    [
        [2, 4, 2],
        (2.0, 4.0, 2.0),
        np.array([[2], [4], [2]], dtype=np.uint8),
        torch.tensor([2, 4, 2], dtype=torch.bfloat16),
        pd.Series([2, 4, 2], index=[5, 6, 7]),
        pl.Series([2, 4, 2]),
        pa.array([2, 4, 2]),
        [0.5e308, 1e308, 0.5e308],
    ],
)
def test_weights_of_any_kind_sum_to_one(weights):
    mass = as_samples(COLUMN, weights=weights).mass
    assert mass.sum() == pytest.approx(1.0)
    assert not mass.flags.writeable
    assert mass.tolist() == [0.25, 0.5, 0.25]


@pytest.mark.parametrize("weights", [[2, 2, 2], [0.1 + 0.2, 0.3, 0.3], np.exp([-700.0] * 3)])
def test_equal_weights_are_none(weights):
    assert as_samples([1.0, 2.0, 3.0], weights=weights).weights is None
    assert as_samples([1.0, 2.0, 3.0], weights=[1.0, 1.0, 1.000001]).weights is not None


def test_boolean_weights_select():
    assert as_samples(COLUMN, weights=[True, False, True]).points.ravel().tolist() == [1.0, 4.0]


def test_samples_pass_through_and_keep_what_they_know():
    first = as_samples(pd.DataFrame(TABLE, columns=["a", "b"]), weights=[1, 2, 1])
    again = as_samples(first)
    assert again.columns == ("a", "b")
    assert again.mass.tolist() == [0.25, 0.5, 0.25]
    assert as_samples(first, weights=[1, 1, 2]).mass.tolist() == [0.25, 0.25, 0.5]


def test_a_samples_object_is_validated_too():
    array_of_user = np.array([[1.0], [np.nan], [2.0]])
    with pytest.raises(ValueError, match=r"^p must be finite, but it has NaN in 1 of 3 rows"):
        as_samples(Samples(array_of_user))
    own = np.array(TABLE)
    as_samples(Samples(own))
    assert own.flags.writeable


def untouched(data):
    if isinstance(data, torch.Tensor):
        return (data.detach().clone(), data.requires_grad, data.grad, data.dtype, data._version)
    if isinstance(data, np.ndarray):
        return (data.copy(), data.flags.writeable, data.dtype, data.strides)
    return repr(data)


@pytest.mark.parametrize(
    "data",
    [
        np.array(COLUMN), np.array([1, 2, 4]), np.asfortranarray(TABLE), np.array([1.0, np.nan, 3]),
        torch.tensor(COLUMN, dtype=torch.float64), torch.tensor(COLUMN, requires_grad=True),
        torch.tensor([1, 2, 4]), np.ma.array(COLUMN, mask=[0, 1, 0]),
        *TWO_FEATURES.values(), *list(ONE_FEATURE.values())[:3],
    ],
)  # fmt: skip
def test_the_callers_data_are_never_changed_nor_shared(data):
    before = untouched(data)
    samples = as_samples(data, nan_policy="omit", weights=None)
    for was, now in zip(before, untouched(data), strict=True):
        if isinstance(was, torch.Tensor):
            assert torch.equal(was, now)
        elif isinstance(was, np.ndarray):
            np.testing.assert_array_equal(was, now)
        else:
            assert was == now
    if isinstance(data, np.ndarray):
        assert not np.shares_memory(samples.points, data)
    if isinstance(data, torch.Tensor) and not data.requires_grad:
        assert not np.shares_memory(samples.points, data.numpy())


def test_read_only_input_is_fine():
    data = np.array(COLUMN)
    data.setflags(write=False)
    assert as_samples(data).n == 3
    assert not data.flags.writeable


def test_weights_of_the_caller_are_never_changed():
    weights = np.array([2.0, 4.0, 2.0])
    as_samples(COLUMN, weights=weights)
    assert weights.tolist() == [2.0, 4.0, 2.0]
    assert weights.flags.writeable


def test_statistics_of_weighted_samples():
    values = np.array([1.0, 2.0, 6.0, 3.0])
    plain = as_samples(values)
    weighted = as_samples(values, weights=[1, 1, 1, 1])
    assert weighted.mean(values) == pytest.approx(plain.mean(values))
    assert weighted.variance_of_mean(values) == pytest.approx(plain.variance_of_mean(values))
    assert plain.variance_of_mean(values) == pytest.approx(np.var(values, ddof=1) / 4)
    assert plain.effective_size == 4.0
    assert weighted.effective_size == pytest.approx(4.0)
    assert as_samples(values, weights=[1, 1, 1e-9, 1e-9]).effective_size == pytest.approx(2.0)


def test_variance_of_the_weighted_mean_is_that_over_repeated_samples():
    # 4000 repetitions: the ratio of variances has standard error 0.022, so 4.5 of them.
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.2, 2.0, size=60)
    draws = rng.normal(size=(4000, 60))
    samples = [as_samples(row, weights=weights) for row in draws]
    means = [one.mean(row) for one, row in zip(samples, draws, strict=True)]
    claimed = [one.variance_of_mean(row) for one, row in zip(samples, draws, strict=True)]
    assert np.var(means) / np.mean(claimed) == pytest.approx(1.0, abs=0.1)


def test_a_constant_of_many_digits_is_no_loss():
    stamps = np.column_stack([np.full(4, 1704067200123456789), np.arange(4)])
    assert np.ptp(as_samples(stamps).points, axis=0).tolist() == [0.0, 3.0]


def test_take_and_select():
    samples = as_samples(pd.DataFrame(TABLE, columns=["a", "b"]), weights=[1, 2, 1])
    some = samples.take(np.array([0, 1]))
    assert some.points.tolist() == TABLE[:2]
    assert some.mass.tolist() == pytest.approx([1 / 3, 2 / 3])
    assert some.columns == ("a", "b")
    second = samples.select(1)
    assert second.points.tolist() == [[10.0], [20.0], [40.0]]
    assert second.columns == ("b",)
    assert second.mass.tolist() == samples.mass.tolist()


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    hnp.arrays(
        st.sampled_from([np.float64, np.float32, np.int32, np.uint8, np.bool_]),
        hnp.array_shapes(min_dims=1, max_dims=2, min_side=2, max_side=6),
        elements={"allow_nan": False, "allow_infinity": False},
    )
)
def test_values_survive_the_door(data):
    samples = as_samples(data)
    expected = data.astype(np.float64).reshape(len(data), -1)
    np.testing.assert_array_equal(samples.points, expected)
    np.testing.assert_array_equal(as_samples(data.tolist()).points, expected)
    np.testing.assert_array_equal(as_samples(torch.as_tensor(data)).points, expected)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8),
        elements=st.floats(width=16),
    )
)
def test_omitting_leaves_exactly_the_finite_rows(data):
    finite = np.isfinite(data).all(axis=1)
    if finite.sum() < 2:
        with pytest.raises(ValueError, match=r"^p must have at least 2 points, but it has"):
            as_samples(data, nan_policy="omit")
        return
    samples = as_samples(data, nan_policy="omit")
    np.testing.assert_array_equal(samples.points, data[finite])
    assert bool(samples.notes) == (not finite.all())


class TestDigits:
    @pytest.mark.parametrize("kind", ["numpy", "unsigned", "list", "pandas", "nullable", "torch"])
    def test_whole_numbers_that_floats_merge_are_refused(self, kind):
        whole = 2**60 + np.arange(50)
        data = {
            "numpy": lambda: whole,
            "unsigned": lambda: whole.astype(np.uint64),
            "list": whole.tolist,
            "pandas": lambda: pd.DataFrame({"a": np.arange(50), "b": whole}),
            "nullable": lambda: pd.DataFrame({"b": whole}).astype("Int64"),
            "torch": lambda: torch.tensor(whole),
        }[kind]()
        message = (
            r"q must have whole numbers whose differences survive as 64-bit floats, but values up "
            r"to 1.15e\+18 differ by few of the steps of 256 between .* Subtract the same whole"
        )
        with pytest.raises(ValueError, match=message):
            as_samples(data, name="q")

    def test_large_whole_numbers_that_differ_by_much_are_read(self):
        times = 17 * 10**17 + np.random.default_rng(0).integers(0, 10**12, 50)
        assert np.abs(as_samples(times).points[:, 0] - times).max() <= 128
        assert as_samples(2**60 + 256 * np.arange(50)).n == 50

    @pytest.mark.parametrize("method", ["auto", "kde", "neighbors"])
    def test_numbers_too_small_for_all_digits_are_refused(self, method):
        points = np.random.default_rng(0).normal(size=(2, 30, 2)) * [1, 1e-310]
        message = (
            r"p and q must be in units in which floats keep their digits, but the largest value of "
            r"column 1 is 2\.\d+e-310 in size. Multiply the column by a large number, such as 1e300"
        )
        with pytest.raises(ValueError, match=message):
            dv.js_divergence(*points, method=method)

    def test_some_such_numbers_beside_others_are_read(self):
        assert dv.js_divergence([0.0, 1e-310, 1.0], [1e-320, 0.5, 2.0], method="kde") < 1
