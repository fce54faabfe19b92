"""Fields of a configuration by their paths, through the configurations that it holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

Config = TypeVar("Config", bound=Any)


def value_at(config: object, path: tuple[str, ...]) -> Any:
    for name in path:
        config = getattr(config, name)
    return config


def with_values(config: Config, values: Mapping[tuple[str, ...], object]) -> Config:
    """The configuration with other values at these paths; the rest is shared with the one that is given."""
    for path, value in values.items():
        config = _with_value(config, path, value)
    return config


def _with_value(config: Any, path: tuple[str, ...], value: object) -> Any:
    name, *rest = path
    inner = _with_value(getattr(config, name), tuple(rest), value) if rest else value
    return replace(config, **{name: inner})
