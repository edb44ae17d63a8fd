"""Data that no divergence takes, and exactly what is said about them."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import torch
from scipy import sparse
from scipy.stats import norm

import divergences as dv

X = np.random.default_rng(0).normal(size=10)
Y = np.random.default_rng(1).normal(size=12)

# (call, error, the whole message)
# fmt: off
BAD_DATA = [
    (lambda: dv.js_divergence(None, Y), TypeError,
     "p must be an array, a tensor, a data frame, a list of numbers or a known distribution, "
     "not None."),
    (lambda: dv.js_divergence("data.csv", Y), TypeError,
     "p must be an array, a tensor, a data frame, a list of numbers or a known distribution, "
     "not of type str. Read the file first, as in numpy.loadtxt(p) or pandas.read_csv(p)."),
    (lambda: dv.js_divergence({"a": [1, 2]}, Y), TypeError,
     "p must be an array, a tensor, a data frame, a list of numbers or a known distribution, "
     "not of type dict. Make a data frame of it with pandas.DataFrame(p)."),
    (lambda: dv.js_divergence((i for i in range(3)), Y), TypeError,
     "p must be an array, a tensor, a data frame, a list of numbers or a known distribution, "
     "not of type generator. Collect it with list(p)."),
    (lambda: dv.js_divergence({1.0, 2.0}, Y), TypeError,
     "p must be an array, a tensor, a data frame, a list of numbers or a known distribution, "
     "not of type set. Collect it with list(p)."),
    (lambda: dv.js_divergence(sparse.csr_matrix(np.eye(3)), Y), TypeError,
     "p must be an array, a tensor, a data frame, a list of numbers or a known distribution, "
     "not of type csr_matrix. Make it dense with p.toarray()."),
    (lambda: dv.js_divergence(np.sin, Y), TypeError,
     "p must be an array, a tensor, a data frame, a list of numbers or a known distribution, "
     "not of type ufunc. The law of g(z) for z drawn from mu is Pushforward(g, mu)."),
    (lambda: dv.js_divergence(3.0, Y), ValueError,
     "p must have shape (n_samples,) or (n_samples, n_features), but it is the single number "
     "3.0."),
    (lambda: dv.js_divergence([], Y), ValueError,
     "p must have at least 2 points, but it has 0. Collect more, or check that rows are points"
     " and columns are features."),
    (lambda: dv.js_divergence([1.0], Y), ValueError,
     "p must have at least 2 points, but it has 1. Collect more, or check that rows are points"
     " and columns are features."),
    (lambda: dv.js_divergence(np.zeros((1, 50)), Y), ValueError,
     "p must have at least 2 points, but it has 1. It has 50 features: is it transposed? Rows "
     "must be points."),
    (lambda: dv.js_divergence(np.zeros((2, 3, 4)), Y), ValueError,
     "p must have shape (n_samples,) or (n_samples, n_features), but it has 3 dimensions, "
     "shape (2, 3, 4). Reshape it with p.reshape(len(p), -1)."),
    (lambda: dv.js_divergence(np.zeros((5, 0)), Y), ValueError,
     "p must have at least one feature, but its shape is (5, 0)."),
    (lambda: dv.js_divergence([[1, 2], [3]], Y), ValueError,
     "p must be a rectangular array of numbers, but its rows differ in length."),
    (lambda: dv.js_divergence(X, [1j, 2, 3]), TypeError,
     "q must be real, but it has complex values (complex128). Pass the real and imaginary "
     "parts as two columns."),
    (lambda: dv.js_divergence(X, ["a", "b", "c"]), TypeError,
     "q must be numbers, but its dtype is <U1 and it holds 'a'. Encode its values as numbers or, "
     "if both samples hold categories, pass data frames, as pandas.DataFrame(q)."),
    (lambda: dv.js_divergence(["a", "b"] * 5, norm(1, 1)), TypeError,
     "p must be numbers, but its dtype is <U1 and it holds 'a'. Encode its values as numbers."),
    (lambda: dv.js_divergence(X, ["1", "2", "3"]), TypeError,
     "q must be numbers, but its dtype is <U1 and it holds '1'. Convert it with "
     "numpy.asarray(q, dtype=float)."),
    (lambda: dv.js_divergence(X, [1, None, 3]), TypeError,
     "q must be numbers, but its dtype is object and it holds None. Convert it with "
     "numpy.asarray(q, dtype=float)."),
    (lambda: dv.js_divergence(X, np.array(["2020", "2021"], dtype="datetime64[D]")), TypeError,
     "q must be numbers, but its dtype is datetime64[D] and it holds datetime.date(2020, 1, "
     "1). Convert it with numpy.asarray(q, dtype=float)."),
    (lambda: dv.js_divergence(X, np.zeros(3, dtype=[("a", int), ("b", float)])), TypeError,
     "q must be a plain array, but it has the named fields 'a', 'b'. Use "
     "numpy.lib.recfunctions.structured_to_unstructured(q)."),
    (lambda: dv.js_divergence([1.0, np.nan, 3.0, np.inf], Y), ValueError,
     "p must be finite, but it has NaN or infinite values in 2 of 4 rows; column (count): 0 "
     '(2). Pass nan_policy="omit" to leave those rows out.'),
    (lambda: dv.js_divergence([[1.0, np.nan], [np.nan, np.nan], [3.0, 4.0]], Y), ValueError,
     "p must be finite, but it has NaN in 2 of 3 rows; column (count): 0 (1), 1 (2). Pass "
     'nan_policy="omit" to leave those rows out.'),
    (lambda: dv.js_divergence([np.nan, np.nan, 1.0], Y, nan_policy="omit"), ValueError,
     "p must have at least 2 points, but it has 1 left: 2 of 3 rows of p were left out: NaN or"
     " infinite values. Collect more, or check that rows are points and columns are features."),
    (lambda: dv.js_divergence(pd.DataFrame({"height": [1.0, np.nan, 2.0]}), Y), ValueError,
     "p must be finite, but it has NaN in 1 of 3 rows; column (count): 'height' (1). Pass "
     'nan_policy="omit" to leave those rows out.'),
    (lambda: dv.js_divergence(pd.DataFrame({"a": [1, 2], "when": pd.to_datetime(["2020", "2021"]),
        "mix": pd.Series(["x", 1], dtype=object)}), Y),
     TypeError,
     "p must have columns of numbers or categories, but 2 of 3 are not: 'when' (datetime64[us]), "
     "'mix' (object). Drop or encode them."),
    (lambda: dv.js_divergence(pl.DataFrame({"a": ["x", "y"]}), Y), ValueError,
     "p and q must have columns of the same kind, but 'a' holds categories in p and numbers in "
     "q. Convert one of them, as in q['a'].astype('category')."),
    (lambda: dv.js_divergence(X, Y, weights_p=pa.array(["x", "y", "z"])), TypeError,
     "weights_p must have numeric columns, but 1 of 1 is not: 'unnamed' (string). Drop or encode "
     "them."),
    (lambda: dv.js_divergence(pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), Y), ValueError,
     "p must have distinct column names, but 'a' occurs more than once. Rename them."),
    (lambda: dv.js_divergence(pd.DataFrame(index=[0, 1]), Y), ValueError,
     "p must have at least one column, but it has none."),
    (lambda: dv.js_divergence(torch.zeros(3, device="meta"), Y), ValueError,
     "p must hold values, but it is a tensor on the meta device."),
    (lambda: dv.js_divergence(torch.eye(3).to_sparse(), Y), TypeError,
     "p must be a dense tensor, but its layout is torch.sparse_coo. Make it dense with "
     "p.to_dense()."),
    (lambda: dv.js_divergence(np.zeros((20, 2)), np.zeros((20, 3))), ValueError,
     "p and q must have the same number of features, but p has 2 (shape (20, 2)) and q has 3 "
     "(shape (20, 3))."),
    (lambda: dv.js_divergence(np.zeros((2, 100)), np.zeros((100, 2))), ValueError,
     "p and q must have the same number of features, but p has 100 (shape (2, 100)) and q has "
     "2 (shape (100, 2)). One has more features than points: is it transposed? Rows must be "
     "points."),
    (lambda: dv.js_divergence(pd.DataFrame({"a": [1, 2], "b": [3, 4]}), pd.DataFrame({"a": [1,
        2], "c": [3, 4]})),
     ValueError,
     "p and q must have the same columns, but only p has 'b' and only q has 'c'. Rename or "
     "select columns."),
    (lambda: dv.js_divergence(pd.DataFrame({"a": [1, 2], "b": [3, 4]}), pd.DataFrame({"b": [1,
        2], "a": [3, 4]})),
     ValueError,
     "p and q must have their columns in the same order, but p has 'a', 'b' and q has 'b', "
     "'a'. Use q = q[p.columns]."),
    (lambda: dv.js_divergence(X, Y, nan_policy="drop"), ValueError,
     "nan_policy must be one of 'raise', 'omit', 'keep', not 'drop'."),
    (lambda: dv.js_divergence(X, Y, weights_p=[1, 2]), ValueError,
     "weights_p must have shape (10,), one weight for each point of p, not (2,)."),
    (lambda: dv.js_divergence(X, Y, weights_q=np.full(12, -1.0)), ValueError,
     "weights_q must not be negative, but 12 of 12 are. Weights are masses or repeat counts."),
    (lambda: dv.js_divergence(X, Y, weights_p=[np.nan] + [1.0] * 9), ValueError,
     "weights_p must be finite, but 1 of 10 are not. Use 0 to leave a point out."),
    (lambda: dv.js_divergence(X, Y, weights_p=np.zeros(10)), ValueError,
     "weights_p must have a positive sum, but they sum to 0."),
    (lambda: dv.js_divergence(X, Y, weights_p=[1.0] + [0.0] * 9), ValueError,
     "weights_p must give at least 2 points a positive weight, but only 1 has one."),
    (lambda: dv.js_divergence(X, Y, weights_p=["a"] * 10), TypeError,
     "weights_p must be numbers, but its dtype is <U1 and it holds 'a'. Encode its values as "
     "numbers."),
    (lambda: dv.js_divergence(norm(0, 1), Y, weights_p=[1, 2]), ValueError,
     "weights_p must be left out, as p is a measure to draw from, not a sample."),
]
# fmt: on
