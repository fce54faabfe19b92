"""Writers' models in a megabyte: the real classes and the real folder layout, with weights that must answer.

`vision` tells a dark view from a bright one and a dragon from a brand; `text` reads no pictures; `random` talks
nonsense; `large` is a text model of 80 MB in memory. Each is written and read by the code of the real ones.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, Final

import torch
from PIL import Image
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    Qwen2Tokenizer,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from services.prompt_writer.system_prompts import EDIT_PROMPT, REJECT, RETRY_NOTE, SCENE_PROMPT, SUBMIT, TOOLS
from tests.services.prompt_writer import reciting_weights
from tests.services.prompt_writer.reciting_weights import Answer, Recital

if TYPE_CHECKING:
    from pathlib import Path

DARK: Final = 20
BRIGHT: Final = 230
_SPECIAL: Final = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    *("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
)
_TAGS: Final = ("<tool_call>", "</tool_call>", "<think>", "</think>")
_TEMPLATE: Final = """\
{%- macro words(message) -%}
{%- if message.content is string -%}{{ message.content }}{%- else -%}{%- for part in message.content -%}
{%- if part.type == 'image' -%}<|vision_start|><|image_pad|><|vision_end|>{%- else -%}{{ part.text }}{%- endif -%}
{%- endfor -%}{%- endif -%}
{%- endmacro -%}
<|im_start|>system
{% if messages[0].role == 'system' %}{{ words(messages[0]) }}{% endif %}
The tools: {% for tool in tools %}{{ tool | tojson }}{% endfor %}
A call: <tool_call>{"name": ..., "arguments": ...}</tool_call><|im_end|>
{% for message in messages if message.role != 'system' %}<|im_start|>{{ message.role }}
{{ words(message) }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking is false %}<think>

</think>{% endif %}{% endif %}"""
_ROTATION: Final = {"rope_type": "default", "rope_theta": reciting_weights.ROPE_THETA}
_START: Final = "</think>"  # what an answer follows, as after a prompt of Qwen's that asks for no thoughts
_MUSING: Final = tuple(f"{number} " for number in range(1, 21))  # words beside the call, and time to be interrupted


def view(brightness: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (96, 64), (brightness,) * 3).save(file, "JPEG")
    return file.getvalue()


def recital() -> Recital:
    """The answer for a dark view is also the answer where the view does not matter."""
    return Recital(
        [
            _answer("dragon", "dark", SUBMIT, "instruction", "Add a dragon", " at night."),
            _answer("dragon", "bright", SUBMIT, "instruction", "Add a dragon", " by day."),
            _answer("brand", None, REJECT, "reason", "No brands."),
            _answer("cathedral", None, SUBMIT, "instruction", "A flooded cathedral."),
        ],
        views=("dark", "bright"),
    )


def _answer(word: str, view: str | None, tool: str, argument: str, *text: str) -> Answer:
    call = ("<tool_call>", '\n{"name": "', tool, '", "arguments": {"', argument, '": "', *text, '"}}\n', "</tool_call>")
    return Answer(word, view, (_START, *_MUSING, *call, "<|im_end|>"))


def write_tiny_writers(folder: Path) -> None:
    torch.manual_seed(0)  # pyright: ignore[reportUnknownMemberType] - torch leaves it untyped
    torch.set_num_threads(1)
    told = recital()
    tokenizer = _tokenizer(told)
    for name, brightness in (("dark", DARK), ("bright", BRIGHT)):
        (folder / f"{name}.jpg").write_bytes(view(brightness))
    for name, sees in (("random", True), ("vision", True), ("text", False), ("large", False)):
        _write_inputs(folder / name, tokenizer, sees=sees)
        model = _vision_model(tokenizer) if sees else _text_model(tokenizer, width=50_000 if name == "large" else 64)
        if name != "random":
            _teach(model, tokenizer, told)
        model.to(torch.bfloat16).save_pretrained(folder / name)  # as the real ones are stored


def _teach(model: Any, tokenizer: Any, told: Recital) -> None:
    reciting_weights.set_text_weights(
        model,
        told,
        heeded=lambda word: _token(tokenizer, f" {word}"),
        ids=lambda piece: _token(tokenizer, piece),
    )
    if hasattr(model.model, "visual"):
        reciting_weights.set_sight(model.model.visual, told, dark="dark", bright="bright")


def _token(tokenizer: Any, text: str) -> int:
    """The token that is just this text.

    Raises:
        KeyError: there is none.
    """
    vocabulary = tokenizer.get_vocab()
    return vocabulary[text] if text in vocabulary else vocabulary[_as_bytes(text)]


def _as_bytes(text: str) -> str:
    """As tokens of bytes are spelt."""
    spelt: Any = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(text)
    return "".join(token for token, _ in spelt)


def _tokenizer(told: Recital) -> Any:
    """Bytes, and the syllables of what is said to writers: prompts of hundreds of tokens instead of thousands."""
    raw: Any = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer: Any = trainers.BpeTrainer(
        vocab_size=1500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    said = [EDIT_PROMPT, SCENE_PROMPT, RETRY_NOTE, *(json.dumps(dict(tool)) for tool in TOOLS)]
    prompts = [f"a {word}" for word in told.words] * 1000  # often enough for a token of their own
    raw.train_from_iterator([*said * 3, *prompts], trainer)
    learnt = json.loads(raw.to_str())["model"]
    vocabulary = dict(learnt["vocab"])
    for word in (*_SPECIAL, *_TAGS, *(_as_bytes(piece) for piece in told.pieces if piece not in {*_SPECIAL, *_TAGS})):
        vocabulary.setdefault(word, len(vocabulary))
    merges: Any = [tuple(pair) for pair in learnt["merges"]]  # its annotation knows other forms alone
    tokenizer: Any = Qwen2Tokenizer(
        vocab=vocabulary,
        merges=merges,
        additional_special_tokens=list(_SPECIAL[1:]),
        model_max_length=4096,
    )
    tokenizer.add_tokens([AddedToken(word, special=False) for word in _TAGS])
    return tokenizer


def _write_inputs(folder: Path, tokenizer: Any, *, sees: bool) -> None:
    tokenizer.chat_template = None if sees else _TEMPLATE
    tokenizer.save_pretrained(folder)
    if not sees:
        return
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": _TEMPLATE}))
    processor: Any = Qwen2VLImageProcessorPil
    processor(
        patch_size=16,
        size={"shortest_edge": 64 * 64, "longest_edge": 1 << 24},
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    ).save_pretrained(folder)


def _vision_model(tokenizer: Any) -> Any:
    rotation = {**_ROTATION, "mrope_section": [2, 3, 3], "mrope_interleaved": True}
    text = {**_text_sizes(tokenizer), "rope_parameters": rotation}
    vision = {
        "depth": 1,
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_heads": 2,
        "patch_size": 16,
        "out_hidden_size": reciting_weights.HIDDEN,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0],
    }
    image, video, start, end = tokenizer.convert_tokens_to_ids(
        ["<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"]
    )
    config = Qwen3VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=image,
        video_token_id=video,
        vision_start_token_id=start,
        vision_end_token_id=end,
        tie_word_embeddings=False,
    )
    return Qwen3VLForConditionalGeneration(config)


def _text_model(tokenizer: Any, width: int) -> Any:
    sizes = {**_text_sizes(tokenizer), "intermediate_size": width}
    config: Any = Qwen3Config  # given by name
    return Qwen3ForCausalLM(config(**sizes, rope_parameters=_ROTATION, tie_word_embeddings=False))


def _text_sizes(tokenizer: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": reciting_weights.HIDDEN,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": reciting_weights.HEADS,
        "num_key_value_heads": reciting_weights.GROUPS,
        "head_dim": reciting_weights.HEAD_DIM,
        "max_position_embeddings": 4096,
        "pad_token_id": tokenizer.convert_tokens_to_ids("<|endoftext|>"),
        "eos_token_id": tokenizer.convert_tokens_to_ids("<|im_end|>"),
    }


if __name__ == "__main__":  # in a process of its own: the tests' one stays free of torch
    import sys
    from pathlib import Path

    write_tiny_writers(Path(sys.argv[1]))
