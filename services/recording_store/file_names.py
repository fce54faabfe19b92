"""Names of recordings: what a new one is called, and what a person may call one."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Final

SUFFIX: Final = ".mp4"

_LONGEST_NAME: Final = 80  # characters
_LONGEST_BYTES: Final = 200  # of UTF-8: file systems allow 255, of which suffixes need some
_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
# Names of devices, whatever their suffix.
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)


def new_name(started_at: float, play_session: str, segment: int) -> str:
    """Sorts by time (UTC), and is nobody else's: sessions have ids of their own and count their segments."""
    return f"{datetime.fromtimestamp(started_at, UTC):%Y%m%d_%H%M%S}_{play_session}_{segment}"


def clean_name(asked: str) -> str | None:
    """The name that every file system takes which is nearest to what was asked for; None when nothing is left."""
    text = unicodedata.normalize("NFC", asked)
    printable = "".join(" " if character.isspace() else character for character in text)
    printable = "".join(character for character in printable if character.isprintable())
    name = " ".join(_FORBIDDEN.sub("-", printable).split())[:_LONGEST_NAME]
    if name.lower().endswith(SUFFIX):
        name = name[: -len(SUFFIX)]
    name = name.encode()[:_LONGEST_BYTES].decode(errors="ignore").strip(" .")
    if not name or not re.search(r"[^-\s.]", name):
        return None
    return f"_{name}" if _RESERVED.fullmatch(name) else name
