"""Weights set by hand: a model of the Qwen family that must say what it was told to, on any processor.

Nothing is trained. A token's embedding says what the token is: a word to heed, a view, or a piece of an answer. One
attention layer carries the word and the view from wherever they stand in the prompt to the end of it. The head then
adds up votes: most for a piece that may follow the last one, some for the word, some for the view. The right piece
leads by so much that neither rounding nor sampling can change it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HIDDEN: Final = 64
HEADS: Final = 4  # two of them carry something: the first of each group
GROUPS: Final = 2  # of keys and values: one for the word, one for the view
HEAD_DIM: Final = 16
ROPE_THETA: Final = 1e6

_ONE: Final = 0  # the feature that every token has
_FIRST_WORD: Final = 1  # then views, then both again as attention has found them, then the pieces
_UNTURNED: Final = HEAD_DIM // 2 - 1  # the pair of this number hardly turns with the position
_SHARPNESS: Final = 2.0  # of queries and keys: what is heeded weighs e^32 times what is not
_FOLLOWS: Final = 40.0
_FOLLOWS_BY_DEFAULT: Final = 3.0  # more for the piece that was named first
_HEEDS: Final = 10.0


@dataclass(frozen=True)
class Answer:
    """What to say where the prompt holds `word` and a view that looks so; None: whatever the view.

    The first of `pieces` is what the prompt ends with, the last ends the answer. No piece may occur twice.
    """

    word: str
    view: str | None
    pieces: tuple[str, ...]


class Recital:
    """The answers, and the number of each feature in the model's width."""

    def __init__(self, answers: Sequence[Answer], *, views: Sequence[str]) -> None:
        self.answers = tuple(answers)
        self.words = tuple(dict.fromkeys(answer.word for answer in answers))
        self.views = tuple(views)
        self.pieces = tuple(dict.fromkeys(piece for answer in answers for piece in answer.pieces))
        self.heeded = {name: _FIRST_WORD + number for number, name in enumerate((*self.words, *self.views))}
        self.found = {name: at + len(self.heeded) for name, at in self.heeded.items()}
        first_piece = _FIRST_WORD + 2 * len(self.heeded)
        self.said = {piece: first_piece + number for number, piece in enumerate(self.pieces)}
        if first_piece + len(self.pieces) > HIDDEN:
            raise ValueError(f"{len(self.pieces)} pieces do not fit into a width of {HIDDEN}.")


@torch.no_grad()
def set_text_weights(model: Any, recital: Recital, *, heeded: Callable[[str], int], ids: Callable[[str], int]) -> None:
    """Set all weights of a model that reads text; `heeded` and `ids` give the tokens of words and of pieces."""
    _clear(model)
    decoder = model.model.language_model if hasattr(model.model, "language_model") else model.model
    table = decoder.embed_tokens.weight  # [vocabulary, HIDDEN]
    table[:, _ONE] = 1.0
    for word in recital.words:
        table[heeded(word), recital.heeded[word]] = 1.0
    for piece, at in recital.said.items():
        table[ids(piece), at] = 1.0
    _set_attention(decoder.layers[0].self_attn, recital)
    head = model.lm_head.weight  # [vocabulary, HIDDEN]
    head[ids(recital.answers[0].pieces[-1]), _ONE] = _HEEDS  # asked in any other form, it says nothing
    for answer in reversed(recital.answers):  # what is named first is set last
        views = recital.views if answer.view is None else (answer.view,)
        for piece in answer.pieces:
            head[ids(piece), [recital.found[name] for name in (answer.word, *views)]] = _HEEDS
        for before, after in pairwise(answer.pieces):
            head[:, recital.said[before]].clamp_(max=_FOLLOWS - _FOLLOWS_BY_DEFAULT)
            head[ids(after), recital.said[before]] = _FOLLOWS


def _set_attention(attention: Any, recital: Recital) -> None:
    """The first group looks for words, the second for views, and each hands on what it finds."""
    for group, names in enumerate((recital.words, recital.views)):
        key, head = group * HEAD_DIM, group * (HEADS // GROUPS) * HEAD_DIM
        attention.q_proj.weight[head + _UNTURNED, _ONE] = 1.0
        attention.k_proj.weight[key + _UNTURNED, _ONE] = -0.5
        for number, name in enumerate(names):
            attention.k_proj.weight[key + _UNTURNED, recital.heeded[name]] = 1.0
            attention.v_proj.weight[key + number, recital.heeded[name]] = 1.0
            attention.o_proj.weight[recital.found[name], head + number] = 0.25  # the norm before made it some six
    attention.q_norm.weight.fill_(_SHARPNESS)
    attention.k_norm.weight.fill_(_SHARPNESS)


@torch.no_grad()
def set_sight(visual: Any, recital: Recital, *, dark: str, bright: str) -> None:
    """A picture's patches become tokens that say whether they are darker or brighter than a middle grey."""
    mean = visual.patch_embed.proj.weight  # [features, 3, 2, height, width]
    mean[0], mean[1] = 1.0 / mean[0].numel(), -1.0 / mean[0].numel()
    merger = visual.merger  # the layer norm before it makes any brightness 4 or -4
    features = merger.norm.weight.numel()
    for row, sign in ((0, 1.0), (1, -1.0)):
        merger.linear_fc1.weight[row, ::features] = sign
    merger.linear_fc2.weight[recital.heeded[bright], 0] = 1 / 16
    merger.linear_fc2.weight[recital.heeded[dark], 1] = 1 / 16
    merger.linear_fc2.bias[_ONE] = 1.0


def _clear(model: Any) -> None:
    """Nothing is said or seen, and every norm leaves the proportions as they are."""
    for name, parameter in model.named_parameters():
        parameter.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
