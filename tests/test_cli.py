import json
import os
import subprocess
import sys

import numpy as np
import pytest

from divergences.cli import main
from divergences.errors import ConvergenceError, TooLargeError
from divergences.numerals import strict_json

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")
pytest.importorskip("matplotlib")

ESTIMATE_KEYS = {
    "label", "divergence", "definition", "value", "stderr", "interval", "level", "bias", "bracket",
    "unit", "method", "settings", "n", "m", "d", "seconds", "notes", "diagnostics",
}  # fmt: skip
RESULT_KEYS = {
    "version", "p", "q", "columns", "standardized", "seed", "estimates", "columns_alone",
}  # fmt: skip


def sample(shift: float, n: int = 60) -> np.ndarray:
    return np.random.default_rng(int(10 * shift)).normal([shift, 0.0], [1.0, 3.0], (n, 2))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with two samples, a.csv and b.csv, moved by 2 along the first column."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    for name, shift in (("a", 0.0), ("b", 2.0)):
        pd.DataFrame(sample(shift), columns=["height", "weight"]).to_csv(f"{name}.csv", index=False)
    return tmp_path


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_compare_prints_a_table(folder, capsys):
    status, out, err = run(capsys, "compare", "a.csv", "b.csv", "--divergence", "JS,w1,energy")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[:3] == ["P: a.csv", "Q: b.csv", "P: 60 points, Q: 60 points, 2 features"]
    assert [line.split()[0] for line in lines[5:8]] == ["JS", "W1", "energy"]
    assert "differs" in lines[5]


def test_compare_takes_the_whole_catalogue_by_default(folder, capsys):
    from divergences.estimation import CATALOGUE

    status, out, _ = run(capsys, "compare", "a.csv", "b.csv", "--columns", "height", "--json")
    found = json.loads(out)["estimates"]
    assert status == 0
    assert [row["divergence"] for row in found] == [d.symbol for d in CATALOGUE]


def test_json_has_a_definite_schema(folder, capsys):
    arguments = ["compare", "a.csv", "b.csv", "--divergence", "JS,W2", "--json", "--seed", "3"]
    status, out, err = run(capsys, *arguments)
    result = json.loads(out, parse_constant=pytest.fail)
    assert (status, err) == (0, "")
    assert set(result) == RESULT_KEYS
    assert (result["p"], result["q"], result["seed"]) == ("a.csv", "b.csv", 3)
    assert result["columns"] == ["height", "weight"]
    assert result["columns_alone"] is None
    for row in result["estimates"]:
        assert set(row) == ESTIMATE_KEYS
        assert row["interval"][0] <= row["value"] <= row["interval"][1]
        assert (row["n"], row["m"], row["d"]) == (60, 60, 2)


def test_json_agrees_with_the_library(folder, capsys):
    from divergences.definitions import Wasserstein
    from divergences.estimation import compare

    _, out, _ = run(capsys, "compare", "a.csv", "b.csv", "--divergence", "W1", "--json")
    p, q = (pd.read_csv(f"{name}.csv") for name in "ab")
    expected = compare(p, q, divergences=[Wasserstein(1)], rng=0)["W1"].to_dict()
    row = json.loads(out)["estimates"][0]
    del expected["seconds"], row["seconds"], row["label"]
    assert row == strict_json(expected)


def test_same_seed_gives_the_same_output(folder, capsys):
    arguments = ["compare", "a.csv", "b.csv", "--divergence", "SW2", "--json", "--seed", "5"]
    values = [json.loads(run(capsys, *arguments)[1])["estimates"][0]["value"] for _ in range(2)]
    assert values[0] == values[1]


def test_numbers_that_json_lacks_become_words():
    given = {"a": [float("inf"), -float("inf")], "b": (float("nan"), 1.5, None, "x", True)}
    text = json.dumps(strict_json(given), allow_nan=False)
    assert json.loads(text) == {
        "a": ["Infinity", "-Infinity"],
        "b": ["NaN", 1.5, None, "x", True],
    }


def test_per_column_ranks_the_columns(folder, capsys):
    arguments = ["compare", "a.csv", "b.csv", "--divergence", "W1", "--per-column"]
    _, out, _ = run(capsys, *arguments)
    ranked = out.partition("Column by column, the largest first:")[2].splitlines()
    assert [line.split()[0] for line in ranked[4:6]] == ["height", "weight"]
    _, out, _ = run(capsys, *arguments, "--json")
    assert [row["label"] for row in json.loads(out)["columns_alone"]] == ["height", "weight"]


def test_standardize_makes_units_not_matter(folder, capsys):
    for name in "ab":
        frame = pd.read_csv(f"{name}.csv")
        frame.assign(weight=1000 * frame["weight"]).to_csv(f"{name}-grams.csv", index=False)
    options = ["--divergence", "W1", "--standardize", "--json"]
    values = [
        json.loads(run(capsys, "compare", *files, *options)[1])["estimates"][0]["value"]
        for files in (("a.csv", "b.csv"), ("a-grams.csv", "b-grams.csv"))
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-9)


def test_columns_are_matched_by_name(folder, capsys):
    pd.read_csv("b.csv")[["weight", "height"]].to_csv("turned.csv", index=False)
    options = ["--divergence", "W1", "--json"]
    values = [
        json.loads(run(capsys, "compare", "a.csv", other, *options)[1])["estimates"][0]["value"]
        for other in ("b.csv", "turned.csv")
    ]
    assert values[0] == values[1]


def test_method_without_divergence_takes_those_that_it_serves(folder, capsys):
    _, out, _ = run(capsys, "compare", "a.csv", "b.csv", "--method", "exact", "--json")
    assert [row["divergence"] for row in json.loads(out)["estimates"]] == ["W1", "W2"]


def test_omitting_rows_is_told(folder, capsys):
    pd.DataFrame({"day": pd.to_datetime(["2020-01-01"] * 3)}).to_parquet("days.parquet")
    (folder / "gaps.csv").write_text("height,weight\n" + "1,2\n2,1\nNA,3\n3,5\n4,4\n5,6\n" * 5)
    arguments = ["compare", "a.csv", "gaps.csv", "--divergence", "energy", "--nan-policy", "omit"]
    status, out, _ = run(capsys, *arguments)
    assert status == 0
    assert "5 of 30 rows of gaps.csv were left out: NaN or infinite values." in out


def test_remarks_of_the_reader_go_to_stderr(folder, capsys):
    np.savetxt("bare.csv", sample(1.0), delimiter=",")
    arguments = ["compare", "bare.csv", "bare.csv", "--divergence", "energy", "--json"]
    status, out, err = run(capsys, *arguments)
    assert status == 0
    assert err.startswith("divergences: note: bare.csv has no line of column names")
    assert json.loads(out)["columns"] == ["0", "1"]


@pytest.mark.parametrize(
    ("columns", "axes"), [("height", 3), ("height,weight", 5)], ids=["one", "two"]
)
def test_plot_writes_a_picture(folder, capsys, monkeypatch, columns, axes):
    pages = []
    from divergences import report

    save = report.save_figure
    monkeypatch.setattr(report, "save_figure", lambda ax, path: pages.append(ax) or save(ax, path))
    options = ["--divergence", "JS,W1", "--columns", columns, "--plot", "map.png"]
    status, _, err = run(capsys, "compare", "a.csv", "b.csv", *options)
    assert (status, err) == (0, "divergences: wrote map.png\n")
    assert (folder / "map.png").stat().st_size > 20_000
    page = pages[0].figure.figure
    shown = [ax for ax in page.axes if ax.get_title() or ax.get_ylabel() or ax.get_yticklabels()]
    assert len(shown) == axes
    assert "Jensen–Shannon" in pages[0].get_title()


BAD = [
    (["compare", "a.csv", "absent.csv"], "absent.csv does not exist."),
    (["compare", "a.csv", "c.csv"], "c.csv does not exist. Did you mean b.csv?"),
    (["compare", "a.csv", "sub.csv"], "sub.csv is a directory. Name a file."),
    (["compare", "a.csv", "empty.csv"], "empty.csv is empty."),
    (["compare", "a.csv", "header.csv"], "header.csv has column names but no rows."),
    (
        ["compare", "a.csv", "b.xlsx"],
        "b.xlsx must end in one of .csv, .tsv, .parquet, .npy, .npz, not '.xlsx'.",
    ),
    (
        ["compare", "a.csv", "two.npz"],
        "two.npz holds 2 arrays: 'real', 'fake'. Name one of them, as in two.npz:real.",
    ),
    (
        ["compare", "a.csv", "two.npz:reel"],
        "two.npz has no array 'reel'. It has 'real', 'fake'.",
    ),
    (
        ["compare", "a.csv", "ragged.csv"],
        "ragged.csv is not a readable csv file: Error tokenizing data. C error: Expected 2 fields "
        "in line 3, saw 3.",
    ),
    (
        ["compare", "a.csv", "b.csv", "--columns", "heigth"],
        "a.csv has no column 'heigth'. Did you mean 'height'? It has 'height', 'weight'.",
    ),
    (
        ["compare", "a.csv", "other.csv"],
        "A and B must have the same columns, but other.csv lacks 'weight'; a.csv lacks 'color'. "
        "Use --columns height.",
    ),
    (
        ["compare", "days.parquet", "days.parquet"],
        "days.parquet must have columns of numbers or categories, but 1 of 1 is not: 'day' "
        "(datetime64[us]). Drop or encode them.",
    ),
    (
        ["compare", "gaps.csv", "gaps.csv"],
        "gaps.csv must be finite, but it has NaN in 1 of 3 rows; column (count): 'height' (1). "
        "Pass --nan-policy omit to leave those rows out.",
    ),
    (
        ["compare", "one.csv", "a.csv"],
        "one.csv must have at least 2 points, but it has 1. It has 2 features: is it transposed? "
        "Rows must be points.",
    ),
    (
        ["compare", "a.csv", "b.csv", "--divergence", "wasserstien"],
        "divergence must be one of JS, KL, reverse KL, TV, H², chi², Renyi(0.5), W1, W2, SW2, "
        "Sinkhorn2, MMD, energy, sqrt(JS), MMD², energy², not 'wasserstien'. Did you mean W1?",
    ),
    (
        ["compare", "a.csv", "b.csv", "--divergence", "W0.5"],
        "order must be a number of at least 1, not 0.5. Wasserstein orders start at 1.",
    ),
    (
        ["compare", "a.csv", "b.csv", "--divergence", "W1", "--method", "kde"],
        'KDE does not estimate the Wasserstein distance (W1). Valid methods: "auto", '
        '"exact", "debiased", "critic".',
    ),
    (
        ["compare", "wide.npy", "two.npz:real"],
        "p and q must have the same number of features, but p has 3 (shape (60, 3)) and q has 2 "
        "(shape (60, 2)).",
    ),
    (
        ["compare", "a.csv", "b.csv", "--plot", "map.gif"],
        "--plot must end in .png, .pdf or .svg, not 'map.gif'.",
    ),
    (
        ["compare", "a.csv", "b.csv", "--plot", "nowhere/map.png"],
        "--plot: the folder nowhere does not exist.",
    ),
    (
        ["compare", "a.csv", "b.csv", "--seed", "-1"],
        "argument --seed: expected a whole number of at least 0, not '-1' "
        "(see python -m divergences compare --help)",
    ),
    (
        ["compare", "a.csv", "b.csv", "--columns", ","],
        "argument --columns: expected names separated by commas "
        "(see python -m divergences compare --help)",
    ),
    (
        ["compare", "a.csv"],
        "the following arguments are required: B (see python -m divergences compare --help)",
    ),
    (
        ["compare", "a.csv", "b.csv", "--nonsense"],
        "unrecognized arguments: --nonsense (see python -m divergences --help)",
    ),
    (
        [],
        "the following arguments are required: COMMAND (see python -m divergences --help)",
    ),
    (["demo", "--output", "a.csv"], "--output: a.csv is a file. Name a folder."),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=lambda value: " ".join(value)[:60])
def test_wrong_input_gets_one_line_and_status_2(folder, capsys, arguments, message):
    (folder / "sub.csv").mkdir()
    (folder / "empty.csv").write_text("")
    (folder / "header.csv").write_text("height,weight\n")
    (folder / "ragged.csv").write_text("height,weight\n1,2\n3,4,5\n")
    (folder / "other.csv").write_text("height,color\n1,red\n2,blue\n3,red\n")
    pd.DataFrame({"day": pd.to_datetime(["2020-01-01"] * 3)}).to_parquet("days.parquet")
    (folder / "gaps.csv").write_text("height,weight\n1,2\nNA,4\n3,5\n")
    (folder / "one.csv").write_text("height,weight\n1,2\n")
    (folder / "b.xlsx").write_text("x")
    np.save("wide.npy", np.zeros((60, 3)))
    np.savez("two.npz", real=sample(0.0), fake=sample(1.0))
    assert run(capsys, *arguments) == (2, "", f"divergences: error: {message}\n")


def test_unknown_method_lists_the_known(folder, capsys):
    status, out, err = run(capsys, "compare", "a.csv", "b.csv", "--method", "magic")
    assert (status, out) == (2, "")
    assert err.startswith("divergences: error: --method must be one of auto, ")
    assert "exact" in err
    assert err.endswith("not 'magic'.\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize("error", [TooLargeError("Too large."), ConvergenceError("No end.")])
def test_failed_computation_is_status_1(folder, capsys, monkeypatch, error):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("divergences.estimation.compare", fail)
    result = run(capsys, "compare", "a.csv", "b.csv")
    assert result == (1, "", f"divergences: error: {error}\n")


def test_interrupt_ends_cleanly(folder, capsys, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("divergences.estimation.compare", interrupt)
    assert run(capsys, "compare", "a.csv", "b.csv") == (130, "", "divergences: interrupted\n")


def test_version(capsys):
    from importlib.metadata import version

    assert run(capsys, "--version") == (0, f"divergences {version('divergences')}\n", "")


@pytest.mark.parametrize("arguments", [["--help"], ["compare", "--help"], ["demo", "--help"]])
def test_help_shows_how(capsys, arguments):
    status, out, err = run(capsys, *arguments)
    assert (status, err) == (0, "")
    assert "usage: python -m divergences" in out
    assert "demo" in arguments or "examples:" in out


def test_module_runs_in_a_process(folder):
    command = [sys.executable, "-m", "divergences", "compare", "a.csv", "b.csv"]
    done = subprocess.run(
        [*command, "--divergence", "W1", "--json"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert 1.5 < json.loads(done.stdout)["estimates"][0]["value"] < 3.0


def test_reader_that_leaves_early_is_no_error():
    command = [sys.executable, "-m", "divergences", "compare", "--help"]
    buffered = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=buffered
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_columns_of_text_are_categories(folder, capsys):
    for name, shift in (("a", 0.0), ("b", 2.0)):
        frame = pd.read_csv(f"{name}.csv")
        frame["city"] = np.where(frame["height"] > 1, "Rome", "Bonn")
        frame.loc[:4, "city"] = None
        frame.loc[5:9, "weight"] = np.nan
        frame.to_csv(f"{name}{shift:g}.csv", index=False)
        frame.to_parquet(f"{name}{shift:g}.parquet")
    for suffix in ("csv", "parquet"):
        arguments = ["compare", f"a0.{suffix}", f"b2.{suffix}", "--standardize", "--per-column"]
        arguments += ["--nan-policy", "keep", "--json", "--plot", "map.png"]
        status, out, err = run(capsys, *arguments)
        assert (status, err) == (0, "divergences: wrote map.png\n")
        result = json.loads(out)
        assert result["columns"] == ["height", "weight", "city"]
        assert "W1" not in [row["divergence"] for row in result["estimates"]]
        assert {row["divergence"] for row in result["estimates"]} > {"JS", "KL", "TV"}
        assert [row["label"] for row in result["columns_alone"]] == result["columns"]
        for row in (result["estimates"][0], result["columns_alone"][2]):
            assert row["interval"][0] > 0
        notes = " ".join(result["estimates"][0]["notes"])
        assert "10 of 60 rows of a0" in notes
        assert "Left out, as they cannot read categories: W1, W2, SW2" in notes


def test_categories_are_refused_by_transport(folder, capsys):
    for name in "ab":
        pd.DataFrame({"city": ["Rome", "Bonn"] * 10}).to_csv(f"{name}.csv", index=False)
    status, out, err = run(capsys, "compare", "a.csv", "b.csv", "--divergence", "W1")
    assert (status, out) == (2, "")
    assert "'city' holds categories. Drop or encode them." in err
    status, _, err = run(capsys, "compare", "a.csv", "b.csv", "--standardize", "--method", "kde")
    assert status == 2
    assert "'city' holds categories." in err
