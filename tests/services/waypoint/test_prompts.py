"""Words for models that hear them, by a tiny text encoder with random weights in its published layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")
pytest.importorskip("transformers", reason="the extra models is not installed")

import torch

from engines.waypoint.config import parse_config
from services.world_engine.waypoint.prompts import Silence, Umt5Prompts, prompts_of
from tests.engines.waypoint.published import tiny_1, tiny_1_5

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("torch")

WIDTH = 96


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

    folder = tmp_path_factory.mktemp("umt5")
    words = {"<pad>": 0, "</s>": 1, "<unk>": 2, "a": 3, "lake": 4, "forest": 5}
    spelling = Tokenizer(WordLevel(words, unk_token="<unk>"))
    spelling.pre_tokenizer = Whitespace()  # pyright: ignore[reportAttributeAccessIssue] - its stub has no setter
    tokenizer: Any = PreTrainedTokenizerFast(tokenizer_object=spelling, pad_token="<pad>", unk_token="<unk>")
    tokenizer.save_pretrained(folder)
    cast("Any", torch).manual_seed(0)
    config = UMT5Config(vocab_size=8, d_model=WIDTH, d_kv=16, d_ff=64, num_layers=2, num_heads=2)
    cast("Any", UMT5EncoderModel(config)).save_pretrained(folder)
    return folder


def test_words_become_an_embedding_whose_padding_is_zero(encoder_folder: Path) -> None:
    prompts = Umt5Prompts(encoder_folder, WIDTH)
    lake = prompts.embedding("a lake")
    assert lake.shape == (512, WIDTH)
    assert lake.isfinite().all()
    assert (lake[:2].abs().sum(1) > 0).all()
    assert not lake[2:].any()
    assert not torch.equal(prompts.embedding("a forest"), lake)
    assert torch.equal(prompts.embedding("  a\nlake "), lake)


def test_no_words_are_silence(encoder_folder: Path) -> None:
    assert not Umt5Prompts(encoder_folder, WIDTH).embedding("  ").any()
    assert Silence(WIDTH).embedding("a lake").shape == (1, WIDTH)


def test_models_hear_words_as_their_config_says(encoder_folder: Path) -> None:
    assert prompts_of(parse_config(tiny_1_5()), encoder_folder) is None
    assert isinstance(prompts_of(parse_config(tiny_1()), None), Silence)
    assert isinstance(prompts_of(parse_config(tiny_1()), encoder_folder), Umt5Prompts)
