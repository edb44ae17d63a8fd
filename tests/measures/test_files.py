import sys

import numpy as np
import pytest

from divergences.measures.files import read_table

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

POINTS = np.array([[1.0, 2.5], [3.0, -4.0], [5.5, 0.0]])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def frame():
    return pd.DataFrame(POINTS, columns=["height", "weight"])


WRITERS = {
    "a.csv": lambda path: frame().to_csv(path, index=False),
    "a.CSV": lambda path: frame().to_csv(path, index=False),
    "a.tsv": lambda path: frame().to_csv(path, index=False, sep="\t"),
    "a.parquet": lambda path: frame().to_parquet(path),
    "a.npy": lambda path: np.save(path, POINTS),
    "a.npz": lambda path: np.savez(path, only=POINTS),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_points(folder, name):
    WRITERS[name](name)
    sample = read_table(name).samples()
    np.testing.assert_array_equal(sample.points, POINTS)
    named = None if name.startswith("a.np") else ("height", "weight")
    assert sample.columns == named


def test_columns_are_chosen_in_the_order_asked(folder):
    WRITERS["a.csv"]("a.csv")
    sample = read_table("a.csv").samples(["weight", "height"])
    np.testing.assert_array_equal(sample.points, POINTS[:, ::-1])
    assert sample.columns == ("weight", "height")


def test_array_columns_are_numbers(folder):
    WRITERS["a.npy"]("a.npy")
    table = read_table("a.npy")
    assert table.columns == ("0", "1")
    sample = table.samples(["1"])
    np.testing.assert_array_equal(sample.points, POINTS[:, [1]])
    assert sample.columns == ("1",)


def test_flat_array_is_one_column(folder):
    np.save("flat.npy", np.arange(4.0))
    table = read_table("flat.npy")
    assert table.columns == ("0",)
    assert table.samples(["0"]).points.shape == (4, 1)


def test_one_array_of_several_is_named_behind_a_colon(folder):
    np.savez("two.npz", real=POINTS, fake=POINTS + 1)
    np.testing.assert_array_equal(read_table("two.npz:fake").samples().points, POINTS + 1)


def test_text_without_column_names_keeps_its_first_row(folder):
    np.savetxt("a.csv", POINTS, delimiter=",")
    table = read_table("a.csv")
    np.testing.assert_array_equal(table.samples().points, POINTS)
    assert table.remarks == ("a.csv has no line of column names; columns are numbered from 0.",)


def test_numbers_that_count_up_from_zero_are_column_names(folder):
    pd.DataFrame(POINTS).to_csv("a.csv", index=False)
    table = read_table("a.csv")
    np.testing.assert_array_equal(table.samples().points, POINTS)
    assert table.remarks == ()


def test_row_index_is_left_out_and_told(folder):
    frame().to_csv("a.csv")
    table = read_table("a.csv")
    assert table.columns == ("height", "weight")
    assert table.remarks == (
        "a.csv: the first column has no name and was left out as a row index.",
    )


def test_semicolons_are_seen_and_told(folder):
    frame().to_csv("a.csv", index=False, sep=";")
    table = read_table("a.csv")
    np.testing.assert_array_equal(table.samples().points, POINTS)
    assert table.remarks == ("a.csv is separated by ';', not by commas.",)


def test_byte_order_mark_is_no_part_of_a_name(folder):
    frame().to_csv("a.csv", index=False, encoding="utf-8-sig")
    assert read_table("a.csv").columns == ("height", "weight")


def test_missing_values_follow_the_policy(folder):
    (folder / "a.csv").write_text("x,y\n1,2\nNA,3\n4,\n5,6\n7,8\n")
    table = read_table("a.csv")
    with pytest.raises(ValueError, match=r"a\.csv must be finite, but it has NaN in 2 of 5 rows"):
        table.samples()
    sample = table.samples(nan_policy="omit")
    np.testing.assert_array_equal(sample.points, [[1, 2], [5, 6], [7, 8]])
    assert sample.notes == ("2 of 5 rows of a.csv were left out: NaN or infinite values.",)


def test_columns_of_text_are_categories(folder):
    (folder / "a.csv").write_text("x,city\n1,Rome\n2,Bonn\n3,\n")
    sample = read_table("a.csv").samples(nan_policy="keep")
    assert sample.levels == (None, ("Bonn", "Rome"))
    np.testing.assert_array_equal(sample.points[:, 1], [1, 0, np.nan])
    chosen = read_table("a.csv").samples(["city", "x"], "omit")
    assert (chosen.categorical, chosen.n) == (("city",), 2)


def write(name: str, content: bytes):
    return lambda folder: (folder / name).write_bytes(content)


WRONG = [
    (lambda folder: None, "gone.csv", FileNotFoundError, r"gone\.csv does not exist\.$"),
    (
        write("before.csv", b"x\n1\n"),
        "befor.csv",
        FileNotFoundError,
        r"befor\.csv does not exist\. Did you mean before\.csv\?",
    ),
    (
        lambda folder: (folder / "d.csv").mkdir(),
        "d.csv",
        IsADirectoryError,
        r"d\.csv is a directory\. Name a file\.",
    ),
    (write("a.csv", b""), "a.csv", ValueError, r"a\.csv is empty\."),
    (
        write("a.csv", b"x,y\n"),
        "a.csv",
        ValueError,
        r"a\.csv has column names but no rows\.",
    ),
    (
        write("a.xlsx", b"x"),
        "a.xlsx",
        ValueError,
        r"a\.xlsx must end in one of \.csv, \.tsv, \.parquet, \.npy, \.npz, not '\.xlsx'\.",
    ),
    (write("data", b"x"), "data", ValueError, r"data must end in one of .*, not 'nothing'\."),
    (
        write("a.csv", b"x,y\n1,2\n3,4,5\n"),
        "a.csv",
        ValueError,
        r"a\.csv is not a readable csv file: Error tokenizing data.*saw 3\.",
    ),
    (
        write("a.csv", b"x,y\n\xff\xfe,2\n"),
        "a.csv",
        ValueError,
        r"a\.csv is not text in UTF-8: invalid start byte\.",
    ),
    (write("a.npy", b"junk"), "a.npy", ValueError, r"a\.npy is not a readable npy file of num"),
    (write("a.npz", b"junk"), "a.npz", ValueError, r"a\.npz is not a readable npz file of num"),
    (write("a.parquet", b"junk"), "a.parquet", ValueError, r"a\.parquet is not a readable parq"),
    (
        lambda folder: np.save("a.npy", np.array([{}], dtype=object), allow_pickle=True),
        "a.npy",
        ValueError,
        r"a\.npy is not a readable npy file of numbers: Object arrays cannot be loaded",
    ),
    (
        lambda folder: np.savez("a.npz", real=POINTS, fake=POINTS),
        "a.npz",
        ValueError,
        r"a\.npz holds 2 arrays: 'real', 'fake'\. Name one of them, as in a\.npz:real\.",
    ),
    (
        lambda folder: np.save("a.npy", np.zeros((4, 2, 3))),
        "a.npy",
        ValueError,
        r"a\.npy must have shape \(n_samples,\) or \(n_samples, n_features\), not \(4, 2, 3\)\. "
        r"Save it with \.reshape\(len\(array\), -1\)\.",
    ),
    (
        lambda folder: np.savez("a.npz", real=POINTS),
        "a.npz:reel",
        ValueError,
        r"a\.npz has no array 'reel'\. It has 'real'\.",
    ),
]


@pytest.mark.parametrize(("prepare", "name", "kind", "message"), WRONG)
def test_wrong_files(folder, prepare, name, kind, message):
    prepare(folder)
    with pytest.raises(kind, match=message):
        read_table(name)


def test_unreadable_file(folder, monkeypatch):
    WRITERS["a.csv"]("a.csv")

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(PermissionError, match=r"a\.csv cannot be read: permission denied\."):
        read_table("a.csv")


def test_wrong_column_suggests_the_near_one(folder):
    WRITERS["a.csv"]("a.csv")
    message = r"a\.csv has no column 'wieght'\. Did you mean 'weight'\? It has 'height', 'weight'\."
    with pytest.raises(ValueError, match=message):
        read_table("a.csv").samples(["wieght"])


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_missing_reader_names_the_extra(folder, monkeypatch, name):
    WRITERS[name](name)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'divergences\[dataframes\]'"):
        read_table(name)
