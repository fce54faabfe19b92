"""The words that steer a world: what may be said, and which worlds listen."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final, TypeGuard

if TYPE_CHECKING:
    from services.world_engine.world_engine import PromptedWorld, World

LONGEST_PROMPT: Final = 1000  # characters
_REFUSED: Final = frozenset({"Cc", "Cs"})  # control characters, and halves of characters


def takes_words(world: World) -> TypeGuard[PromptedWorld]:
    return hasattr(world, "set_prompt")


def fault_of(words: str) -> str | None:
    """What keeps these words from being a prompt, as a sentence; None: nothing."""
    if len(words) > LONGEST_PROMPT:
        return f"A prompt may have {LONGEST_PROMPT} characters at most, and this one has {len(words)}."
    if any(unicodedata.category(character) in _REFUSED for character in words):
        return "A prompt is one line of text, without line breaks and other control characters."
    return None
