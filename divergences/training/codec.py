"""Settings as JSON and back: frozen dataclasses of this package, and nothing that runs code."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any

import divergences

_KIND = "is"
_UNSAVED = "not saved"


def encode(value: Any) -> Any:
    """Turn settings into what JSON holds; what it cannot hold is marked with its repr."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {_KIND: "float", "value": repr(value)}
    if isinstance(value, tuple | list):
        return {_KIND: "tuple", "values": [encode(entry) for entry in value]}
    name = type(value).__name__
    if is_dataclass(value) and getattr(divergences, name, None) is type(value):
        own = [field.name for field in fields(value) if field.init]
        parts = {field: encode(getattr(value, field)) for field in own}
        if not any(isinstance(part, dict) and part[_KIND] == _UNSAVED for part in parts.values()):
            return {_KIND: name, **parts}
    return {_KIND: _UNSAVED, "value": repr(value)}


def decode(saved: Any) -> Any:
    """Turn it back.

    Raises
    ------
    LookupError
        If a part could not be saved; the error names it.
    """
    if not isinstance(saved, dict):
        return saved
    kind = saved[_KIND]
    if kind == "float":
        return float(saved["value"])
    if kind == "tuple":
        return tuple(decode(entry) for entry in saved["values"])
    if kind == _UNSAVED:
        raise LookupError(saved["value"])
    found = getattr(divergences, kind, None) if kind in dir(divergences) else None
    if not is_dataclass(found):
        raise LookupError(kind)
    return found(**{name: decode(part) for name, part in saved.items() if name != _KIND})  # type: ignore[operator]
