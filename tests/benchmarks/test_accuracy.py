"""The benchmark of accuracy runs end to end, and its helpers know what they should."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.benchmarks import accuracy, mutual_information, page, peers, records
from tests.benchmarks.contenders import Contender
from tests.benchmarks.pairs import pair_named
from tests.benchmarks.picture import spread
from tests.benchmarks.records import Outcome, Record, Row, read_raw, read_summaries, summarize
from tests.benchmarks.scores import Contest, Scores, geometric_mean
from tests.benchmarks.transport_cases import TRANSPORT_CASES, normal_energy, on_the_line

RUN = ["--tables", "ratio", "--methods", "neighbors", "--only", "Poisson", "--n", "200"]


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")
    return tmp_path


def test_a_run_measures_summarizes_and_goes_on(results, capsys):
    command = [*RUN, "--output", str(results / "raw"), "--seeds"]
    accuracy.main([*command, "1"])
    first = read_raw(results / "raw", "ratio", "neighbors")
    assert [(record.case, record.n, record.seed) for record in first] == [
        ("Poisson 3 and 4", 200, 0)
    ]
    assert first[0].error == ""
    rows = {row.divergence: row for row in read_summaries("ratio")}
    assert set(rows) == {"JS", "KL", "reverse KL", "TV", "H2", "chi2"}
    js, truth = first[0].outcomes["JS"], pair_named("Poisson 3 and 4").truth["JS"]
    assert rows["JS"].bias == pytest.approx(js.value - truth, rel=1e-4)
    assert rows["JS"].rmse == pytest.approx(abs(js.value - truth), rel=1e-4)

    accuracy.main([*command, "2"])
    again = read_raw(results / "raw", "ratio", "neighbors")
    assert again[0] == first[0]
    assert [record.seed for record in again] == [0, 1]
    assert "1 seeds" in capsys.readouterr().out


def test_a_record_cut_off_is_measured_again(results):
    record = Record("ratio", "auto", "rare bump", 10, 0, 0.1, {"JS": Outcome(0.1, 0.0, 0.2)})
    records.append(results, record)
    path = records.raw_file(results, "ratio", "auto")
    path.write_text(path.read_text() + record.to_json()[:50])
    assert read_raw(results, "ratio", "auto") == [record]


def test_an_answer_that_is_missing_makes_the_error_infinite():
    def fail(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Outcome]:
        if seed == 1:
            raise ValueError("no")
        return {"JS": Outcome(0.0)}

    pair = pair_named("rare bump")
    found = [
        accuracy.measure("ratio", Contender("failing", fail), pair, 20, seed) for seed in (0, 1)
    ]
    assert found[1].error == "ValueError: no"
    (row,) = summarize(found, {pair.name: pair.truth})
    assert (row.seeds, row.failed, row.rmse) == (2, 1, math.inf)
    assert math.isnan(row.coverage)


def test_an_infinite_truth_is_no_error():
    record = Record(
        "ratio", "auto", "disjoint uniforms", 10, 0, 0.1, {"KL": Outcome(3.0, 2.0, 9.0)}
    )
    (row,) = summarize([record], {"disjoint uniforms": {"KL": math.inf}})
    assert math.isnan(row.rmse)
    assert math.isnan(row.coverage)


def test_summaries_of_other_cases_are_kept(results):
    rows = [
        Row("auto", case, 1000, "JS", 3, 0, 0.1, 0.2, 0.95, 0.5)
        for case in ("rare bump", "checkerboard")
    ]
    records.merge(rows, "ratio")
    newer = Row("auto", "rare bump", 1000, "JS", 20, 0, 0.0, 0.1, 0.9, 0.4)
    records.merge([newer], "ratio")
    assert read_summaries("ratio") == [newer, rows[1]]


def test_ratios_and_contests(results):
    unit = 0.15 / math.sqrt(1000)
    for method, case, rmse in (
        ("auto", "disjoint uniforms", unit), ("npeet-plus", "disjoint uniforms", 0.0),
        ("auto", "equal normals, d=1", 3 * unit), ("npeet-plus", "equal normals, d=1", unit),
        ("divergence", "equal normals, d=1", 1.5 * unit),
    ):  # fmt: skip
        records.merge([Row(method, case, 1000, "JS", 3, 0, 0.0, rmse, 0.9, 0.1)], "ratio")
    scores = Scores.read("JS", 1000)
    assert scores.ratio("auto", "equal normals, d=1") == pytest.approx(3.0, rel=1e-4)
    assert scores.best_peer("equal normals, d=1")[0] == "npeet-plus"
    contest = Contest.of(scores)
    assert (contest.cases, contest.wins, contest.close) == (2, 1, 1)
    assert contest.worst == pytest.approx(3.0, rel=1e-4)
    assert contest.worst_case == "equal normals, d=1"
    assert "in 1 of 2 pairs" in page.headline(scores)
    assert "not measured" in page.headline(Scores("JS", 1000, {}))
    assert geometric_mean([1.0, 4.0]) == pytest.approx(2.0)
    assert geometric_mean([0.0, 10.0]) == pytest.approx(1.0)


def test_errors_over_the_bound_itself(results):
    # Of two normals one apart ln p/q has variance 1, and p/q has e - 1 under Q.
    for case in ("normals, shift 1", "correlated normals, d=2"):
        records.merge([Row("auto", case, 1000, "KL", 3, 0, 0.0, 0.1, 0.9, 0.1)], "ratio")
    scores = {name: Scores.read(name, 1000) for name in ("KL", "reverse KL")}
    expected = 0.1 / math.sqrt(math.e / 1000)
    # The bound of the other pair is infinite.
    assert scores["KL"].ratios_to_bound("auto") == pytest.approx([expected], rel=1e-3)
    words = page.over_the_bound(scores)
    assert words == f"the default has KL {page.number(expected)} in 1 pairs."
    assert (
        "not measured"
        in page.over_the_bound({name: Scores(name, 1000, {}) for name in scores}).lower()
    )


def test_bias_is_the_mean_over_the_cases_where_it_is_finite(results):
    unit = 0.15 / math.sqrt(1000)
    for case, bias in (
        ("disjoint uniforms", unit), ("equal normals, d=1", -3 * unit),
        ("equal normals, d=5", math.inf),
    ):  # fmt: skip
        records.merge([Row("auto", case, 1000, "JS", 3, 0, bias, unit, 0.9, 0.1)], "ratio")
    scores = Scores.read("JS", 1000)
    assert scores.bias("auto") == pytest.approx(-1.0, rel=1e-4)
    assert math.isnan(scores.bias("npeet-plus"))


def test_integrands_at_the_true_ratio_average_to_the_truth():
    # Four standard errors, a false alarm in 16,000 for each of six.
    pair, n, rng = pair_named("t(3), shift 1"), 40_000, np.random.default_rng(0)
    at_p, at_q = (pair.log_ratio(s(n, rng)) for s in (pair.sample_p, pair.sample_q))
    found = peers.plugged_in(at_p, at_q)
    spread = {"JS": 0.3, "KL": 0.9, "reverse KL": 0.9, "TV": 0.3, "H2": 0.15, "chi2": 2.0}
    for name, each in spread.items():
        assert abs(found[name].value - pair.truth[name]) < 4 * each / math.sqrt(n), name


@pytest.mark.parametrize(
    ("peer", "name", "tolerance"),
    [
        (peers.scipy_kde, "JS", 0.03),
        (peers.sklearn_kde, "JS", 0.03),
        (peers.sklearn_logistic, "JS", 0.03),
        (peers.sklearn_boosting, "TV", 0.1),
        (peers.wang_kulkarni_verdu, "KL", 0.1),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_peers_come_near_an_easy_truth(peer, name, tolerance):
    # Their bias and four standard errors fit between.
    pair, rng = pair_named("normals, shift 1"), np.random.default_rng(0)
    found = peer(pair.sample_p(1000, rng), pair.sample_q(1000, rng), 0)
    assert found[name].value == pytest.approx(pair.truth[name], abs=tolerance)


def test_distances_on_the_line_are_those_of_formulas():
    normals = on_the_line("", stats.norm(), stats.norm(1, 1)).truth
    assert normals["W1"] == pytest.approx(1.0, abs=1e-6)
    assert normals["W2"] == pytest.approx(1.0, abs=1e-6)
    assert normals["energy"] == pytest.approx(normal_energy(1, 1.0, 1.0), abs=1e-6)
    named = {case.name: case.truth for case in TRANSPORT_CASES}
    assert named["exponentials"]["W1"] == pytest.approx(1.0, abs=1e-6)
    assert named["exponentials"]["W2"] == pytest.approx(math.sqrt(2), abs=1e-6)
    assert named["t(3), shift 1"]["W2"] == pytest.approx(1.0, abs=1e-4)


def test_the_tasks_of_information_are_those_published():
    tasks = {task.name: task for task in mutual_information.INFORMATION_TASKS}
    assert len(tasks) == 40
    assert tasks["1v1-normal-0.75"].truth["KL"] == pytest.approx(-math.log(1 - 0.75**2) / 2)
    assert tasks["multinormal-dense-25-25-0.5"].d == 50


def test_samples_of_information_that_are_missing_say_how_to_draw_them(tmp_path, monkeypatch):
    monkeypatch.setattr(mutual_information, "RAW", tmp_path)
    task = mutual_information.INFORMATION_TASKS[0]
    with pytest.raises(FileNotFoundError, match=r"make_mutual_information\.py says how"):
        task.sample_p(10, np.random.default_rng(0))


def test_by_default_every_table_is_made_whose_inputs_are_there(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(mutual_information, "RAW", tmp_path)
    assert accuracy.tables_to_run() == ["ratio", "transport"]
    told = capsys.readouterr().out
    assert told.startswith("The table 'information' is left out: ")
    assert "make_mutual_information.py says how to draw the samples, in an environment" in told
    (tmp_path / mutual_information.SAMPLES).touch()
    assert accuracy.tables_to_run() == list(accuracy.TABLES)
    assert capsys.readouterr().out == ""


def test_the_default_command_runs_those_tables(results, monkeypatch):
    ran = []
    monkeypatch.setattr(accuracy, "tables_to_run", lambda: ["ratio", "information"])
    monkeypatch.setattr(accuracy, "run_table", lambda name, options: ran.append(name))
    accuracy.main(["--output", str(results / "raw")])
    assert ran == ["ratio", "information"]


def test_the_page_names_our_methods_that_were_not_measured(results):
    assert page.not_measured().count("auto") == 3
    record = Record("ratio", "auto", "rare bump", 10, 0, 0.1, {"JS": Outcome(0.1, 0.0, 0.2)})
    records.append(results / "raw", record)
    accuracy.collect(results / "raw")
    first = page.not_measured().splitlines()[0]
    assert first == (
        "Of ours, the ratio table has not measured yet: kde, neighbors, classifier logistic, "
        "classifier boosting, neural."
    )


def test_the_product_of_margins_keeps_rows_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(mutual_information, "RAW", tmp_path)
    mutual_information._rows.cache_clear()
    rows = np.column_stack([np.arange(20.0), np.arange(20.0)]).astype(np.float32)
    np.savez(tmp_path / mutual_information.SAMPLES, **{"1v1-normal-0.75": rows})
    task, rng = mutual_information.INFORMATION_TASKS[0], np.random.default_rng(0)
    joint, product = task.sample_p(10, rng), task.sample_q(10, rng)
    np.testing.assert_array_equal(joint[:, 0], joint[:, 1])
    assert set(product[:, 1]) == set(np.arange(10.0, 20.0))
    assert (product[:, 0] != product[:, 1]).any()
    with pytest.raises(ValueError, match="n must be at most 10"):
        task.sample_q(11, rng)
    mutual_information._rows.cache_clear()


def test_labels_are_spread_and_keep_their_order():
    assert spread([0.9, 0.5, 0.1], 0.1) == [0.9, 0.5, 0.1]
    assert spread([0.5, 0.5, 0.1], 0.1) == pytest.approx([0.55, 0.45, 0.1])
    crowded = spread([0.52, 0.51, 0.5, 0.42, 0.1], 0.1)
    assert min(-np.diff(crowded)) > 0.1 - 1e-12


def test_the_page_is_made_from_the_summaries():
    assert page.PAGE.read_text(encoding="utf-8") == page.text()


def test_results_are_small():
    files = list(Path(records.RESULTS).glob("*.csv"))
    assert files
    assert sum(file.stat().st_size for file in files) < 2_000_000


def test_every_stored_number_is_one():
    assert json.loads(mutual_information.TASKS.read_text())
    for table in accuracy.TABLES:
        for row in read_summaries(table):
            assert row.seeds >= 1
            assert not row.rmse < 0
