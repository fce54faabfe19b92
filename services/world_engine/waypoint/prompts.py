"""Words for the models that hear them: a UMT5 text encoder, or silence where there is none."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import torch

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from engines.waypoint import WaypointConfig

_TOKENS: Final = 512  # as the models were trained: shorter texts are padded
_REMEMBERED: Final = 16  # texts, of 4 MiB each


class Prompts(Protocol):
    def embedding(self, words: str) -> Tensor:
        """[n, prompt_embedding_dim], float32. It is silence if there are no words."""
        ...


class Silence:
    """A prompt without a word. Attention to it adds nothing to the picture."""

    def __init__(self, width: int) -> None:
        self._width = width

    def embedding(self, words: str) -> Tensor:
        del words
        return torch.zeros(1, self._width)


class Umt5Prompts:
    """The encoder of a UMT5 on the CPU. It is loaded at the first words, and the newest ones are remembered.

    Threads take turns.
    """

    def __init__(self, folder: Path, width: int) -> None:
        self._folder = folder
        self._silence = Silence(width)
        self._loaded: tuple[Any, Any] | None = None
        self._read: OrderedDict[str, Tensor] = OrderedDict()
        self._turn = threading.Lock()

    def embedding(self, words: str) -> Tensor:
        """The last hidden state, with zeros in the place of padding.

        Raises:
            OSError, ValueError: the folder holds no such encoder.
        """
        text = " ".join(words.split())
        if not text:
            return self._silence.embedding("")
        with self._turn:
            if text not in self._read:
                self._read[text] = self._encode(text)
            self._read.move_to_end(text)
            while len(self._read) > _REMEMBERED:
                self._read.popitem(last=False)
            return self._read[text]

    def _encode(self, text: str) -> Tensor:
        tokenizer, encoder = self._load()
        tokens = tokenizer(text, padding="max_length", truncation=True, max_length=_TOKENS, return_tensors="pt")
        with torch.inference_mode():
            hidden: Tensor = encoder(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])[0]
        return (hidden[0].float() * tokens["attention_mask"][0, :, None]).clone()

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            from transformers import AutoTokenizer, UMT5EncoderModel

            tokenizers, encoders = cast("Any", AutoTokenizer), cast("Any", UMT5EncoderModel)
            tokenizer = tokenizers.from_pretrained(self._folder, local_files_only=True)
            encoder = encoders.from_pretrained(
                self._folder, local_files_only=True, use_safetensors=True, dtype=torch.bfloat16
            )
            self._loaded = tokenizer, encoder.eval()
        return self._loaded


def prompts_of(config: WaypointConfig, text_encoder: Path | None) -> Prompts | None:
    """None: the model hears no prompts."""
    if config.prompt_conditioning is None or config.prompt_embedding_dim is None:
        return None
    if text_encoder is None:
        return Silence(config.prompt_embedding_dim)
    return Umt5Prompts(text_encoder, config.prompt_embedding_dim)
