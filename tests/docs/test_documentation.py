"""The documentation says what the package has: names, tables, references, pictures.

That its code blocks print what they say is checked by the blocks themselves, which run as tests.
"""

from __future__ import annotations

import importlib.util
import inspect
import pkgutil
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import divergences as dv
import divergences.api as api

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def _load_catalogue() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "catalogue", ROOT / "docs" / "_ext" / "catalogue.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


catalogue = _load_catalogue()
DEFINITIONS = sorted({type(definition) for definition, _ in catalogue.CALLS}, key=str)


def _documented() -> dict[str, Any]:
    """Every public class, function and method of the package, by its full name."""
    found = {}
    for info in pkgutil.walk_packages(dv.__path__, "divergences."):
        if info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        for name, item in vars(module).items():
            if name.startswith("_") or getattr(item, "__module__", None) != info.name:
                continue
            found[f"{info.name}.{name}"] = item
            if inspect.isclass(item):
                for own, method in vars(item).items():
                    if inspect.isfunction(method):
                        found[f"{info.name}.{name}.{own}"] = method
    return found


def _cited() -> set[tuple[str, str, str]]:
    """(where, first author's surname, year) of every entry under References."""
    cited = set()
    for where, item in _documented().items():
        section = re.search(
            r"References\n-{10}\n(.*?)(?:\n\n\w+\n---|\Z)", inspect.getdoc(item) or "", re.DOTALL
        )
        if section is None:
            continue
        text = " ".join(section[1].split())
        for entry in re.findall(r"([^();]+?) \((\d{4})\)", text):
            cited.add((where, re.split(r",| and | et ", entry[0].lstrip(". "))[0], entry[1]))
    return cited


CITED = sorted(_cited())


# Contracts and errors have nothing to run alone; `Auto` is every call without a method, and the
# others need a package that few have.
WITHOUT_EXAMPLE = {"Auto", "TensorBoard", "WeightsAndBiases"}


def _needs_example(name: str) -> bool:
    item = getattr(dv, name)
    if inspect.isclass(item):
        return not (inspect.isabstract(item) or issubclass(item, Exception))
    return inspect.isfunction(item)


@pytest.mark.parametrize("name", sorted(filter(_needs_example, set(dv.__all__) - WITHOUT_EXAMPLE)))
def test_every_public_name_has_an_example_that_runs(name):
    assert ">>> " in (inspect.getdoc(getattr(dv, name)) or ""), f"{name} has no example"


def _checks_settings(kind: Any) -> bool:
    own = vars(kind).get("__post_init__") if inspect.isclass(kind) else None
    return own is not None and re.search(r"\braise\b|check_", inspect.getsource(own)) is not None


@pytest.mark.parametrize(
    "name", [name for name in dv.__all__ if _checks_settings(getattr(dv, name))]
)
def test_what_checks_its_settings_says_what_it_raises(name):
    assert "\nRaises\n------\n" in inspect.getdoc(getattr(dv, name))


def test_the_reference_lists_every_public_name_once():
    listed = re.findall(r"^   ([A-Za-z_]\w*)$", catalogue.reference(), re.MULTILINE)
    assert sorted(listed) == sorted(dv.__all__)


def test_every_everyday_call_is_in_the_table():
    calls = {
        name
        for name, function in vars(api).items()
        if inspect.isfunction(function)
        and function.__module__.startswith("divergences.api.")
        and not name.startswith("_")
    }
    shown = {call.split("(")[0] for _, call in catalogue.CALLS} - {"divergence"}
    assert shown == calls


def test_the_readme_has_the_table_that_the_registry_makes():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert catalogue.divergence_table() in readme, (
        "The table in README.md is not the registry's. Print it with "
        "`.venv/bin/python docs/_ext/catalogue.py`."
    )


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda kind: kind.__name__)
def test_a_definition_opens_with_formula_and_range_and_says_its_use_and_failure(definition):
    first, *rest = catalogue.paragraphs(_example_of(definition))
    assert "P, Q" in first or "P || Q" in first or "Q || P" in first
    assert "from 0 to" in first
    assert re.search(r", (in|a pure number)|: a ", first)
    assert "Good " in " ".join(rest)
    assert "Fails " in " ".join(rest)


def _example_of(kind: type) -> Any:
    return next(definition for definition, _ in catalogue.CALLS if type(definition) is kind)


def test_docstrings_cite_something():
    assert len(CITED) >= 20


@pytest.mark.parametrize(("where", "author", "year"), CITED, ids=lambda part: str(part))
def test_a_cited_work_is_in_the_bibliography(where, author, year):
    bibliography = (ROOT / "docs" / "bibliography.md").read_text(encoding="utf-8")
    entries = [" ".join(entry.split()) for entry in bibliography.split("\n\n")]
    assert any(
        re.match(rf"\(\w+\)= {re.escape(author)}, .*\({year}\)", entry) for entry in entries
    ), f"{where} cites {author} ({year}), which docs/bibliography.md lacks."


def test_no_work_stands_twice_in_the_bibliography():
    bibliography = (ROOT / "docs" / "bibliography.md").read_text(encoding="utf-8")
    labels = re.findall(r"^\((\w+)\)=$", bibliography, re.MULTILINE)
    assert len(labels) == len(set(labels))


def test_contributing_fits_a_screen():
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) <= 45


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pictures_exist_and_nothing_is_left_to_write(page):
    text = page.read_text(encoding="utf-8")
    assert "TODO" not in text
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)|```\{image\} (\S+)", text)
    for path in filter(None, (picture for pair in pictures for picture in pair)):
        assert (page.parent / path).is_file(), f"{page.name} shows {path}, which is not there."


def test_the_readme_opens_with_the_two_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first_block = re.search(r"```\w*\n(.*?)```", readme, re.DOTALL)
    assert first_block is not None
    assert re.findall(r"^make \w+", first_block[1], re.MULTILINE) == ["make demo", "make test"]
