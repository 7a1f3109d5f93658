"""Configuration: one TOML file per service into one frozen dataclass; flags override the file.

Every mistake is a ConfigError of one line that names the file, the key, and the way out.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

C = TypeVar("C")


class ConfigError(ValueError):
    """The configuration cannot be used; the message names the key and the way out."""


def load(kind: type[C], path: Path | None = None, overrides: Mapping[str, Any] | None = None) -> C:
    """Read `path` (TOML) as a `kind`, a dataclass; keys of `overrides` that are not None win over the file.

    Raises ConfigError for an unreadable file, an unknown key (naming the nearest), or a wrong value.
    """
    values = _read(path) if path else {}
    values |= {key: value for key, value in (overrides or {}).items() if value is not None}
    where = str(path) if path else "configuration"
    _refuse_unknown(where, values, [field.name for field in fields(kind)])  # type: ignore[arg-type]
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        raise ConfigError(f"{where}: {_first(error)}") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a readable TOML file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None


def _refuse_unknown(where: str, values: Mapping[str, Any], known: list[str]) -> None:
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise ConfigError(f"{where}: unknown key {key!r}; did you mean {near!r}?")


def _first(error: ValidationError) -> str:
    """The first mistake of many, in one line."""
    mistake = error.errors(include_url=False)[0]
    reason = mistake["msg"].removeprefix("Value error, ")
    key = ".".join(str(part) for part in mistake["loc"])
    if mistake["type"] == "missing":
        return f"{key} is missing; set it in the file or by its flag"
    return f"{key} = {mistake['input']!r}: {reason}" if key else reason
