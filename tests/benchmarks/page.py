"""The page `docs/accuracy.md`, from the summaries and a template."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.benchmarks.contenders import OURS_RATIO, OURS_TRANSPORT
from tests.benchmarks.masses import DIVERGENCES
from tests.benchmarks.mutual_information import INFORMATION_TASKS
from tests.benchmarks.pairs import PAIRS, yardstick
from tests.benchmarks.records import read_summaries
from tests.benchmarks.scores import PAIR_NAMED, Contest, Scores, finite, geometric_mean, pooled
from tests.benchmarks.transport_cases import TRANSPORT_CASES

PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"
TEMPLATE = Path(__file__).with_name("accuracy.template.md")
N = 1000
N_PUBLIC = 2000
NOT_MEASURED = "Not measured yet."
# The lowest errors of other programs, measured once on the ten public cases: JS and KL.
ELSEWHERE = {
    "normals, shift 1": (0.009, 0.039),
    "normal and Laplace": (0.002, 0.007),
    "correlated normals, d=2": (0.011, 0.051),
    "ring of 8, turned": (0.024, 0.72),
    "normals, d=5, shift 0.5 each": (0.010, 0.027),
    "normals, d=10, scale 1.5": (0.011, 0.080),
    "normals, d=20, shift 0.3 each": (0.016, 0.046),
    "equal normals, d=5": (0.000, 0.001),
    "uniform and beta(2, 2)": (0.005, 0.033),
    "t(3), shift 1": (0.005, 0.027),
}
SYMBOLS = {"H2": "H²", "chi2": "χ²"}


def render() -> None:
    """Write the page and draw the picture."""
    from tests.benchmarks.picture import draw

    PAGE.write_text(text(), encoding="utf-8")
    draw((Scores.read("JS", N), Scores.read("KL", N)))


def text() -> str:
    """The page, as the summaries have it."""
    scores = {name: Scores.read(name, N) for name in DIVERGENCES}
    facts = {
        # Those with results, as a pair may be added before anyone is measured on it.
        "pairs": str(len(scores["JS"].cases)),
        "n": f"{N:,}",
        "n public": f"{N_PUBLIC:,}",
        "headline": headline(scores["JS"]),
        "seeds": counts_of(scores["JS"]),
        "overall": overall(scores),
        "over the bound": over_the_bound(scores),
        "not measured": not_measured(),
        "each pair": each_pair(scores["JS"]),
        **public_cases(),
        "sizes": sizes(),
        **transport(),
        **information(),
    }
    template = TEMPLATE.read_text(encoding="utf-8")
    return re.sub("<<(.+?)>>", lambda match: facts[match[1]], template)


def headline(scores: Scores) -> str:
    """How the default stands, in a paragraph."""
    ours, contest = finite(scores.ratios("auto")), Contest.of(scores)
    if not contest.cases:
        return f"The default: {NOT_MEASURED.lower()}"
    mean, worst = number(geometric_mean(ours)), number(max(ours))
    return (
        f"At n = m = {N:,} the default's error for JS is {mean} of the bound (geometric mean of "
        f"{len(ours)} pairs; worst {worst}).\nIt is at most that of the best peer, whichever that "
        f"is in each pair, in {contest.wins} of {contest.cases} pairs, and at most 1.3 times\n"
        f"that in {contest.close}; the worst is {number(contest.worst)} times, for "
        f"*{contest.worst_case}*."
    )


def counts_of(scores: Scores) -> str:
    """Fewest and most samples of a pair."""
    counts = sorted({row.seeds for row in scores.rows.values()}) or [0]
    return " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))


def overall(scores: dict[str, Scores]) -> str:
    """Each contender in one line."""
    js = scores["JS"]
    lines = []
    for method in dict.fromkeys(m for each in scores.values() for m in each.methods):
        some = next(each for each in scores.values() if method in each.methods)
        lines.append(
            [
                method,
                mean_and_missing(js, method),
                number(max(finite(js.ratios(method)), default=math.nan)),
                number(js.bias(method)),
                *(mean_and_missing(scores[name], method) for name in DIVERGENCES[1:]),
                percent(js.coverage(method)),
                seconds(some.seconds(method)),
            ]
        )
    named = [SYMBOLS.get(name, name) for name in DIVERGENCES[1:]]
    return table(["", "JS", "worst JS", "JS bias", *named, "JS coverage", "seconds"], lines)


def over_the_bound(scores: dict[str, Scores]) -> str:
    """The default's errors for both KL in units of the bound itself, in words."""
    parts = []
    for name in ("KL", "reverse KL"):
        ratios = scores[name].ratios_to_bound("auto")
        if ratios:
            parts.append(f"{name} {number(geometric_mean(ratios))} in {len(ratios)} pairs")
    return f"the default has {' and '.join(parts)}." if parts else NOT_MEASURED


def not_measured() -> str:
    """Those of our methods that a table lacks, in a sentence each."""
    lines = []
    for name, ours in (
        ("ratio", OURS_RATIO),
        ("transport", OURS_TRANSPORT),
        ("information", OURS_RATIO),
    ):
        measured = {row.method for row in read_summaries(name)}
        lacking = [each.name for each in ours if each.name not in measured]
        if lacking:
            lines.append(f"Of ours, the {name} table has not measured yet: {', '.join(lacking)}.")
    return "\n".join(lines)


def mean_and_missing(scores: Scores, method: str) -> str:
    answered = finite(scores.ratios(method))
    missing = len(scores.cases) - len(answered)
    mean = number(geometric_mean(answered))
    return f"{mean} ({missing})" if missing and answered else mean


def each_pair(scores: Scores) -> str:
    """The default on every pair, beside the best peer."""
    lines = []
    for case in scores.cases:
        pair, row = PAIR_NAMED[case], scores.rows.get(("auto", case))
        peer, best = scores.best_peer(case)
        lines.append(
            [
                case,
                str(pair.d),
                f"{pair.truth['JS']:.4f}",
                f"{yardstick(pair, 'JS', N, N):.4f}",
                number(scores.ratio("auto", case)),
                f"{row.bias:+.4f}" if row and math.isfinite(row.bias) else "–",
                percent(row.coverage) if row else "–",
                seconds(row.seconds) if row else "–",
                number(best),
                peer,
            ]
        )
    head = [
        "pair", "d", "JS", "bound", "auto/bound", "bias", "coverage", "seconds", "peer/bound",
        "best peer",
    ]  # fmt: skip
    return table(head, lines)


def public_cases() -> dict[str, str]:
    """The ten public cases, and the means over the nine whose truth is above 0."""
    both = Scores.read("JS", N_PUBLIC), Scores.read("KL", N_PUBLIC)
    public = [pair for pair in PAIRS if pair.public]
    lines = [[pair.name] for pair in public]
    facts = {}
    for index, scores in enumerate(both):
        name, errors, oracles = scores.divergence, [], []
        for pair, cells in zip(public, lines, strict=True):
            row = scores.rows.get(("auto", pair.name))
            error = row.rmse if row else math.nan
            unit, truth = yardstick(pair, name, N_PUBLIC, N_PUBLIC), pair.truth[name]
            peer, ratio = scores.best_peer(pair.name)
            oracle = unit if truth > 0 else 0.0
            cells += [
                decimals(truth), decimals(oracle), decimals(error), decimals(unit * ratio), peer,
                f"{ELSEWHERE[pair.name][index]:.3f}",
            ]  # fmt: skip
            if truth > 0:
                errors.append(error / truth)
                oracles.append(oracle / truth)
        facts[f"public {name}"] = decimals(statistics.mean(errors), 3)
        facts[f"oracle {name}"] = decimals(statistics.mean(oracles), 3)
    head = ["pair"]
    for scores in both:
        head += [scores.divergence, "oracle", "auto", "best peer", "which", "elsewhere"]
    return facts | {"public": table(head, lines)}


def sizes() -> str:
    """How the default's errors go with n."""
    counts = sorted({row.n for row in read_summaries("ratio") if row.method == "auto"})
    lines = []
    for n in counts:
        js, kl = Scores.read("JS", n), Scores.read("KL", n)
        ratios = finite(js.ratios("auto"))
        lines.append(
            [
                f"{n:,}",
                str(len(ratios)),
                number(geometric_mean(ratios)),
                number(max(ratios)),
                number(geometric_mean(finite(kl.ratios("auto")))),
                percent(js.coverage("auto")),
                seconds(js.seconds("auto")),
            ]
        )
    head = ["n = m", "pairs", "JS/bound", "worst", "KL/bound", "coverage", "seconds"]
    return table(head, lines)


def transport() -> dict[str, str]:
    """Wasserstein and energy distances beside the peers' plug-ins."""
    rows = {(row.method, row.case, row.divergence): row for row in read_summaries("transport")}
    columns = {
        "W1": ("auto", "POT", "geomloss"),
        "W2": ("auto", "POT", "geomloss"),
        "energy": ("auto", "dcor"),
    }
    lines = []
    for case in TRANSPORT_CASES:
        cells = [case.name]
        for name, methods in columns.items():
            found = [rows.get((method, case.name, name)) for method in methods]
            cells.append(f"{case.truth[name]:.4g}" if name in case.truth else "–")
            cells += [f"{row.rmse:.3g}" if row else "–" for row in found]
        lines.append(cells)
    ours = [row for (m, *_), row in rows.items() if m == "auto"]
    counts = sorted({row.n for row in rows.values()})
    return {
        "n transport": ", ".join(f"{n:,}" for n in counts) or "–",
        "transport coverage": percent(pooled(r for r in ours if "bracket" not in r.divergence)),
        "bracket coverage": percent(pooled(r for r in ours if "bracket" in r.divergence)),
        "transport": table(["pair", *(c for n, m in columns.items() for c in (n, *m))], lines),
    }


def information() -> dict[str, str]:
    """The forty tasks of the mutual-information benchmark."""
    rows = [row for row in read_summaries("information") if row.divergence == "KL"]
    if not rows:
        return {"information": NOT_MEASURED, "each task": ""}
    found = list(dict.fromkeys(row.method for row in rows))
    order = [contender.name for contender in OURS_RATIO]
    methods = [m for m in order if m in found] + [m for m in found if m not in order]
    errors = {(row.method, row.case): row.rmse for row in rows}
    means = []
    for method in methods:
        own = [errors[method, t.name] for t in INFORMATION_TASKS if (method, t.name) in errors]
        means.append([method, str(len(own)), decimals(statistics.mean(own), 3), number(max(own))])
    each = [
        [task.name, str(task.d), decimals(task.nats, 3)]
        + [number(errors.get((method, task.name), math.nan)) for method in methods]
        for task in INFORMATION_TASKS
    ]
    return {
        "information": table(["", "tasks", "mean absolute error", "worst"], means),
        "each task": table(["task", "d", "truth", *methods], each),
    }


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table, numbers to the right."""
    lines = list(lines)
    if not lines:
        return NOT_MEASURED
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *lines))


def number(value: float) -> str:
    """Two decimals; as many digits as matter where large."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.3g}"


def percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{share:.0%}"


def decimals(value: float, count: int = 4) -> str:
    return f"{value:.{count}f}" if math.isfinite(value) else number(value)


def seconds(value: float) -> str:
    return f"{value:.2g}"
