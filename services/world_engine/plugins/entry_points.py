"""Where engines stand: the entry points `terrarium.engines` of the packages of this machine."""

from __future__ import annotations

import importlib.metadata
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from runtime_config.constants import PROJECT_DIR

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

GROUP: Final = "terrarium.engines"
OWN_PACKAGE: Final = "terrarium"
_FIRST: Final = ("diorama", "still", "stroll")  # they play any picture on any machine; the others follow by their names


@dataclass(frozen=True, slots=True)
class EnginePoint:
    """One engine of a package. `value` is `module:name` of its class; `name` is what the package calls it."""

    package: str
    name: str
    value: str


def built_in_points(project: Path = PROJECT_DIR) -> tuple[EnginePoint, ...]:
    """The engines of this server, in the order in which they are offered. `project` is the folder of its code.

    A checkout lists them in its pyproject.toml. The metadata of the installed package are then only compared with it:
    they are written when pip installs, so they may be missing, older, or of another checkout.
    """
    installed, listed = _installed(), _listed(project)
    if listed is None:
        return _ordered(installed)
    if installed != listed:
        logger.info(
            "The installed package lists other engines than this checkout, whose own list counts; "
            "`pip install --no-deps -e .` in the checkout brings them together"
        )
    return _ordered(listed)


def foreign_points() -> tuple[EnginePoint, ...]:
    """The engines of other packages, by package and name."""
    found = {
        EnginePoint(point.dist.name, point.name, point.value)
        for point in importlib.metadata.entry_points(group=GROUP)
        if point.dist is not None and point.dist.name.casefold() != OWN_PACKAGE
    }
    return tuple(sorted(found, key=lambda point: (point.package.casefold(), point.name, point.value)))


def _installed() -> Mapping[str, str]:
    try:
        points = importlib.metadata.distribution(OWN_PACKAGE).entry_points
    except importlib.metadata.PackageNotFoundError:
        return {}
    return {point.name: point.value for point in points if point.group == GROUP}


def _listed(project_dir: Path) -> Mapping[str, str] | None:
    """The engines by pyproject.toml; None in an installed package, which has none."""
    try:
        text = (project_dir / "pyproject.toml").read_text(encoding="utf-8")
    except OSError:
        return None
    project = tomllib.loads(text).get("project", {})
    return project["entry-points"][GROUP] if project.get("name") == OWN_PACKAGE else None


def _ordered(values: Mapping[str, str]) -> tuple[EnginePoint, ...]:
    names = [*(name for name in _FIRST if name in values), *sorted(values.keys() - _FIRST)]
    return tuple(EnginePoint(OWN_PACKAGE, name, values[name]) for name in names)
