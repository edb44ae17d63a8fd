"""Divergences by the names that people type."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable

from divergences.definitions import MMD, Definition, Energy, JensenShannonDistance
from divergences.estimation import CATALOGUE

# Everyday calls whose definition is not in the catalogue.
_FURTHER: dict[str, Definition] = {
    "js_distance": JensenShannonDistance(),
    "squared_mmd": MMD(squared=True),
    "squared_energy_distance": Energy(squared=True),
}
_WITH_NUMBER = re.compile(r"([a-z]+)(\d+(?:\.\d+)?)")


def definition_named(name: str) -> Definition:
    """Return the divergence that a name means, whatever its case and punctuation.

    Symbols ("JS", "W1"), the names of the everyday calls ("js_divergence"), the class names and
    the titles are known; a number behind a symbol sets its order ("W1.5", "Renyi2").

    Parameters
    ----------
    name : str
        What the user typed.

    Returns
    -------
    Definition

    Raises
    ------
    ValueError
        If no divergence has that name; the message suggests near ones.

    Examples
    --------
    >>> definition_named("wasserstein_distance").symbol, definition_named("sw3").symbol
    ('W1', 'SW3')
    """
    known = known_names()
    plain = _plain(name)
    if plain in known:
        return known[plain]
    numbered = _WITH_NUMBER.fullmatch(plain)
    if numbered and (family := _numbered_family(numbered[1])) is not None:
        return family(float(numbered[2]))
    near = difflib.get_close_matches(plain, known, n=1, cutoff=0.7)
    hint = f" Did you mean {known[near[0]].symbol}?" if near else ""
    symbols = ", ".join(dict.fromkeys(definition.symbol for definition in known.values()))
    raise ValueError(f"divergence must be one of {symbols}, not {name!r}.{hint}")


def known_names() -> dict[str, Definition]:
    """Every name, without case and punctuation, and what it means; the catalogue comes first."""
    names: dict[str, Definition] = {}
    for definition in CATALOGUE:
        topic, _, kind = definition.title.rpartition(" ")
        for stem in (definition.symbol, topic, type(definition).__name__):
            names.setdefault(_plain(stem), definition)
            names.setdefault(_plain(stem + kind), definition)
    for call, definition in _FURTHER.items():
        names[_plain(call)] = names[_plain(definition.symbol)] = definition
    return names


def _numbered_family(stem: str) -> Callable[[float], Definition] | None:
    for definition in CATALOGUE:
        own = _WITH_NUMBER.fullmatch(_plain(definition.symbol))
        if own and stem in (own[1], _plain(type(definition).__name__)):
            return type(definition)
    return None


def _plain(name: str) -> str:
    # NFKD takes accents off letters and raised digits down to the line.
    letters = unicodedata.normalize("NFKD", name).lower()
    return "".join(c for c in letters if c.isalnum() or c == ".")
