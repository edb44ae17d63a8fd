"""The page `docs/generators.md`, from the records and a template."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.generation.recipe import recipe
from tests.benchmarks.generation.rivals import RIVALS
from tests.benchmarks.generation.summary import (
    Summary,
    average,
    decimals,
    percent,
    plain,
    summaries,
    worst,
)
from tests.benchmarks.generation.tasks import LIMIT, OURS, REAL
from tests.benchmarks.page import NOT_MEASURED, table

PAGE = Path(__file__).parents[3] / "docs" / "generators.md"
TEMPLATE = Path(__file__).with_name("generators.template.md")


@dataclass(frozen=True)
class Aim:
    """What is published for a target of the protocol, and what was to be reached.

    Parameters
    ----------
    title : str
        Of the target.
    modes : int
        That there are.
    published : tuple
        The best known: who, modes, share of high quality, reverse KL.
    quality, reverse_kl : float
        The mean that was aimed at: at least, and at most.
    """

    title: str
    modes: int
    published: tuple[str, str, str, str]
    quality: float
    reverse_kl: float


AIMS = {
    "grid": Aim("25 Gaussians", 25, ("PacGAN4", "24.8", "93.6%", "0.04"), 0.96, 0.015),
    "ring": Aim("8 Gaussians", 8, ("best published", "7.9", "95.6%", "0.07"), 0.96, 0.01),
}


def render() -> None:
    """Write the page and draw the pictures."""
    from tests.benchmarks.generation.picture import draw

    PAGE.write_text(text(), encoding="utf-8")
    draw()


def text() -> str:
    """The page, as the records have it."""
    facts = {
        "limit": f"{LIMIT:.0f}",
        "headline": "\n".join(headline(target) for target in AIMS),
        "protocol": protocol(),
        "seeds": seeds(),
        "recipes": recipes(),
        "budget": budget(),
        "rivals": rivals("table"),
        "rivals ring": rivals_of_ring(),
        "digits": others("digits"),
        "targets": lecture(),
        "overhead": others("overhead"),
        "honest": honest(),
    }
    template = TEMPLATE.read_text(encoding="utf-8")
    return re.sub("<<(.+?)>>", lambda match: facts[match[1]], template)


def headline(target: str) -> str:
    """What was reached, against what was aimed at."""
    aim, ours = AIMS[target], summaries(target).get(OURS)
    if ours is None:
        return f"- {aim.title}: {NOT_MEASURED.lower()}"
    count = len(ours.records)
    full = int((ours.values("modes") == aim.modes).sum())
    quality, reverse_kl = ours.mean("quality"), ours.mean("reverse_kl")
    return (
        f"- {aim.title}: all {aim.modes} modes in {full} of {count} seeds, {percent(quality)} of "
        f"high quality ({_met(quality >= aim.quality)} aim of {aim.quality:.0%}), reverse KL "
        f"{decimals(reverse_kl, 4)} ({_met(reverse_kl <= aim.reverse_kl)} aim of "
        f"{aim.reverse_kl:g}), in at most {ours.seconds:.0f} seconds."
    )


def _met(reached: bool) -> str:
    return "within the" if reached else "**short of** the"


def protocol() -> str:
    """Each target: who is best known, ours on average and at worst, and real data."""
    lines = []
    for target, aim in AIMS.items():
        who, *numbers = aim.published
        lines.append([f"{aim.title}: {who}", *numbers, *["–"] * 4])
        found = summaries(target)
        for method, label in ((OURS, "`minimize`"), (REAL, "real data")):
            if method in found:
                lines += _mean_and_worst(found[method], f"{aim.title}: {label}")
    head = ["", "modes", "high quality", "reverse KL", "JS", "W2", "steps", "CPU seconds"]
    return table(head, lines)


def _mean_and_worst(each: Summary, label: str) -> list[list[str]]:
    mean = [
        f"{label}, mean",
        f"{each.mean('modes'):.1f}",
        percent(each.mean("quality")),
        decimals(each.mean("reverse_kl"), 4),
        average(each, "js"),
        average(each, "w2"),
        f"{each.steps:,}" if each.steps else "–",
        f"{each.seconds:.0f}" if each.steps else "–",
    ]
    last = [
        f"{label}, worst seed",
        plain(worst(each, "modes", min)),
        percent(worst(each, "quality", min)),
        decimals(worst(each, "reverse_kl", max), 4),
        decimals(worst(each, "js", max), 4),
        decimals(worst(each, "w2", max), 3),
        "",
        "",
    ]
    return [mean, last]


def seeds() -> str:
    """Every seed of the two targets."""
    lines = [
        [
            f"{aim.title}, seed {each.seed}",
            plain(each.scores.get("modes", math.nan)),
            percent(each.scores.get("quality", math.nan)),
            decimals(each.scores.get("reverse_kl", math.nan), 4),
            _with_error(each.scores, "js"),
            _with_error(each.scores, "w2"),
            f"{each.seconds:.0f}",
        ]
        for target, aim in AIMS.items()
        for each in (summaries(target).get(OURS) or Summary(OURS, ())).records
    ]
    return table(["", "modes", "high quality", "reverse KL", "JS", "W2", "CPU seconds"], lines)


def _with_error(scores: dict[str, float], name: str) -> str:
    if name not in scores:
        return "–"
    return f"{decimals(scores[name], 4)} ± {decimals(scores.get(f'{name}_stderr', 0.0), 4)}"


def recipes() -> str:
    """How both were trained, as code has it."""
    return "\n\n".join(f"- {aim.title}: `{recipe(target)}`" for target, aim in AIMS.items())


def budget() -> str:
    """Seconds that the table of divergences allows."""
    asked = {each.budget for found in summaries("table").values() for each in found.records}
    return " or ".join(f"{each:g}" for each in sorted(asked)) or "25"


def rivals(task: str) -> str:
    """One line for each divergence."""
    found, lines = summaries(task), []
    for rival in RIVALS:
        if rival.name not in found:
            continue
        each = found[rival.name]
        lines.append(
            [
                rival.name,
                rival.kind,
                average(each, "modes"),
                percent(each.mean("quality")),
                average(each, "reverse_kl"),
                average(each, "js"),
                average(each, "w2"),
                f"{each.steps:,}",
                f"{each.seconds:.0f}",
                f"{each.finite} of {len(each.records)}",
            ]
        )
    head = [
        "minimized", "critic", "modes", "high quality", "reverse KL", "JS", "W2", "steps",
        "CPU seconds", "without NaN",
    ]  # fmt: skip
    return table(head, lines)


def rivals_of_ring() -> str:
    """The same on the ring, where it was measured."""
    if not summaries("table-ring"):
        return ""
    return f"The same on the ring:\n\n{rivals('table-ring')}"


def lecture() -> str:
    """JS with its interval on the lecture's samples."""
    lines = [
        [
            name,
            average(each, "js"),
            decimals(worst(each, "js", max), 4),
            f"{decimals(each.mean('js_low'), 4)} to {decimals(each.mean('js_high'), 4)}",
            average(each, "w2"),
            f"{each.steps:,}",
            f"{each.seconds:.0f}",
            f"{len(each.records)}",
        ]
        for name, each in summaries("targets").items()
    ]
    head = [
        "", "JS", "worst seed", "95 % interval, mean of its ends", "W2", "steps", "CPU seconds",
        "seeds",
    ]  # fmt: skip
    return table(head, lines)


def others(task: str) -> str:
    """Whatever another benchmark found, each number averaged over seeds."""
    found = summaries(task)
    if not found:
        return NOT_MEASURED
    names = list(
        dict.fromkeys(n for each in found.values() for r in each.records for n in r.scores)
    )
    shown = [name for name in names if not name.endswith("_stderr")]
    lines = [
        [method, *(average(each, name) for name in shown), f"{len(each.records)}"]
        for method, each in found.items()
    ]
    return table(["", *(name.replace("_", " ") for name in shown), "seeds"], lines)


def honest() -> str:
    """What did not go well, from the records."""
    said = [sentence for target in AIMS for sentence in _failures(target)]
    found = summaries("table")
    lost = [name for name, each in found.items() if each.finite < len(each.records)]
    if lost:
        said.append(f"Not finite to the end in every seed: {', '.join(lost)}.")
    elif found:
        said.append("In the table of divergences every training was finite to its end.")
    late = sum("out of time" in r.note for each in found.values() for r in each.records)
    if late:
        said.append(
            f"{late} trainings of the table ran out of time before their schedules had ended."
        )
    notes = {
        name: sum(bool(r.note) and "out of time" not in r.note for r in each.records)
        for name, each in found.items()
    }
    warned = [f"{name} ({count})" for name, count in notes.items() if count]
    if warned:
        said.append(f"Trainings with a warning: {', '.join(warned)}.")
    return "\n".join(f"- {each}" for each in said) or NOT_MEASURED


def _failures(target: str) -> list[str]:
    aim, ours = AIMS[target], summaries(target).get(OURS)
    if ours is None:
        return []
    bad = {
        "modes missing": [s for s in ours.records if s.scores.get("modes") != aim.modes],
        f"below {aim.quality:.0%} of high quality": [
            s for s in ours.records if not s.scores.get("quality", 0.0) >= aim.quality
        ],
        f"reverse KL above {aim.reverse_kl:g}": [
            s for s in ours.records if not s.scores.get("reverse_kl", math.inf) <= aim.reverse_kl
        ],
        "ended early, or with a warning": [s for s in ours.records if s.note],
        f"more than {LIMIT:.0f} seconds": [s for s in ours.records if s.seconds > LIMIT],
    }
    words = [
        f"{what}: {', '.join(f'seed {each.seed}' for each in found) or 'no seed'}"
        for what, found in bad.items()
    ]
    return [f"{aim.title}, of {len(ours.records)} seeds: {'; '.join(words)}."]
