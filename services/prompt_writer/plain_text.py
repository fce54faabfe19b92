"""What people type and models answer, as one line of plain text that no chat template takes for its own."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# What chat templates turn into turns and tool calls: <|im_start|>, <start_of_turn>, <tool_call>, </s>, [INST] and kin.
_MARKUP: Final = re.compile(
    r"<[|｜][^|｜>]{0,64}[|｜]>|</?s>|</?\w{0,32}(?:turn|tool|think|image|bos|eos|system)\w{0,32}>"  # noqa: RUF001 - theirs
    r"|\[/?\w{0,16}(?:INST|TOOL)\w{0,16}\]",
    re.IGNORECASE,
)
_LONGEST: Final = 8000  # characters that are looked at; all limits lie far below
_JOINERS: Final = frozenset("\u200c\u200d")  # format characters that some scripts and emoji need


def plain_text(text: str) -> str:
    """One line without control characters and without what a chat template would read as its own."""
    visible = "".join(
        " " if character.isspace() else character
        for character in text[:_LONGEST]
        if character.isspace() or character in _JOINERS or unicodedata.category(character)[0] != "C"
    )
    # What is left after taking a marker out may be a marker again.
    while (cleaned := _MARKUP.sub(" ", visible)) != visible:
        visible = cleaned
    return " ".join(visible.split())
