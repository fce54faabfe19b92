"""Every colour of the page has one name and two values, and text in either theme can be read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from tests.web.node_tools import WEB

if TYPE_CHECKING:
    from pathlib import Path

_STYLES: Final = WEB / "styles"
_COLOURS: Final = _STYLES / "colours.css"
_VALUE: Final = re.compile(r"[\w-]+\s*:\s*([^;{}]+);")
_COLOUR: Final = re.compile(
    r"#[0-9a-f]{3,8}\b|\b(?:rgba?|hsla?|hwb|lab|lch|oklch|oklab|light-dark)\("
    r"|\b(?:white|black|gr[ae]y|silver|red|green|blue|yellow|orange|brown|pink|purple)\b(?!-)",
    re.IGNORECASE,
)
_VARIABLE: Final = re.compile(r"--([\w-]+): (?:light-dark\()?([^;]+?)\)?;")

_READABLE: Final = 4.5  # WCAG 2.1, AA, for text of usual size
_VISIBLE: Final = 3.0  # the same, for what a person presses or writes into
_TEXTS: Final = ("text", "text-soft", "muted", "accent", "danger", "warning")
_GROUNDS: Final = ("well", "ground", "raised", "glow", "panel", "cover", "fill-faint", "fill", "fill-hover")


def _without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("path", sorted({*_STYLES.glob("*.css")} - {_COLOURS}), ids=lambda path: path.name)
def test_colours_stand_in_one_file(path: Path) -> None:
    values = _VALUE.findall(_without_comments(path.read_text(encoding="utf-8")))
    assert values
    assert [value for value in values if _COLOUR.search(value)] == []


def test_every_variable_is_set_and_used() -> None:
    styles = {path: _without_comments(path.read_text(encoding="utf-8")) for path in _STYLES.glob("*.css")}
    used = {name for text in styles.values() for name in re.findall(r"var\(--([\w-]+)", text)}
    known = {name for text in styles.values() for name in re.findall(r"^\s*--([\w-]+):", text, re.MULTILINE)}
    assert used == known


def _themes() -> list[dict[str, str]]:
    """The colours of the light theme, and of the dark one, as six or eight hexadecimal digits."""
    text = _without_comments(_COLOURS.read_text(encoding="utf-8"))
    pairs = {name: value.split(", ") for name, value in _VARIABLE.findall(text)}
    return [{name: values[theme % len(values)] for name, values in pairs.items()} for theme in (0, 1)]


def _channels(colour: str) -> list[float]:
    digits = colour.removeprefix("#")
    whole = "".join(2 * digit for digit in digits) if len(digits) in {3, 4} else digits
    return [int(whole[at : at + 2], 16) / 255 for at in range(0, len(whole), 2)]


def _over(colour: str, below: list[float]) -> list[float]:
    """What is seen of a colour that lets through a part of what is below it."""
    *channels, opacity = [*_channels(colour), 1.0][:4]
    return [one * opacity + other * (1 - opacity) for one, other in zip(channels, below, strict=True)]


def _brightness(channels: list[float]) -> float:
    """The relative luminance of WCAG 2.1, 0 to 1."""
    red, green, blue = (one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: list[float], other: list[float]) -> float:
    darker, brighter = sorted((_brightness(one), _brightness(other)))
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [pytest.param(0, id="light"), pytest.param(1, id="dark")])
def test_texts_can_be_read_on_every_ground(theme: int) -> None:
    colours = _themes()[theme]
    ground = _channels(colours["ground"])
    on = {name: _over(colours[name], ground) for name in _GROUNDS}
    weak = {
        (text, name): round(contrast, 2)
        for text in _TEXTS
        for name, below in on.items()
        if (contrast := _contrast(_channels(colours[text]), below)) < _READABLE
    }
    assert weak == {}
    for fill in ("accent", "accent-hover"):
        assert _contrast(_channels(colours["accent-ink"]), _channels(colours[fill])) >= _READABLE
    assert _contrast(_channels(colours["text"]), _channels(colours["danger-fill"])) >= _READABLE


@pytest.mark.parametrize("theme", [pytest.param(0, id="light"), pytest.param(1, id="dark")])
def test_fields_and_switches_can_be_seen(theme: int) -> None:
    colours = _themes()[theme]
    for name in ("well", "ground", "raised"):
        ground = _channels(colours[name])
        assert _contrast(_over(colours["edge"], ground), ground) >= _VISIBLE, name
