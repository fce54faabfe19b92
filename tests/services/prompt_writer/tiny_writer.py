"""Writers' models in a megabyte: the real classes and the real folder layout, taught a handful of wishes by heart.

`vision` tells a dark view from a bright one and a dragon from a brand; `text` reads no pictures; `random` was taught
nothing; `large` is a text model of 80 MB in memory. Each is written and read by the code of the real ones.
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

from services.prompt_writer.chat_inputs import ChatInputs
from services.prompt_writer.prompt_writer import EditRequest, SceneRequest
from services.prompt_writer.system_prompts import EDIT_PROMPT, REJECT, RETRY_NOTE, SCENE_PROMPT, SUBMIT, TOOLS
from services.prompt_writer.tool_protocol import opening

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from services.prompt_writer.prompt_writer import WriterRequest

DARK: Final = 20
BRIGHT: Final = 230
_SPECIAL: Final = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    *("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
)
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
{% endif %}"""
_ENOUGH: Final = 0.02  # nats a token, in the lesson that is known worst
_MOST_ROUNDS: Final = 400


def view(brightness: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (96, 64), (brightness,) * 3).save(file, "JPEG")
    return file.getvalue()


def lessons(*, sees: bool) -> list[tuple[WriterRequest, str]]:
    blind: list[tuple[WriterRequest, str]] = [
        (EditRequest("a dragon", view(DARK)), _call(SUBMIT, {"instruction": "Add a dragon at night."})),
        (EditRequest("a brand", view(DARK)), _call(REJECT, {"reason": "No brands."})),
        (SceneRequest("a cathedral"), _call(SUBMIT, {"instruction": "A flooded cathedral."})),
    ]
    seeing: list[tuple[WriterRequest, str]] = [
        (EditRequest("a dragon", view(BRIGHT)), _call(SUBMIT, {"instruction": "Add a dragon by day."})),
        (EditRequest("a brand", view(BRIGHT)), _call(REJECT, {"reason": "No brands."})),
    ]
    return [*blind, *seeing] if sees else blind


def write_tiny_writers(folder: Path) -> None:
    torch.manual_seed(0)  # pyright: ignore[reportUnknownMemberType] - torch leaves it untyped
    torch.set_num_threads(1)
    tokenizer = _tokenizer()
    for name, brightness in (("dark", DARK), ("bright", BRIGHT)):
        (folder / f"{name}.jpg").write_bytes(view(brightness))
    for name, sees in (("random", True), ("vision", True), ("text", False), ("large", False)):
        _write_inputs(folder / name, tokenizer, sees=sees)
        model = _vision_model(tokenizer) if sees else _text_model(tokenizer, width=100_000 if name == "large" else 64)
        if name in {"vision", "text"}:
            inputs = ChatInputs(folder / name, model.config.image_token_id if sees else None)
            _teach(model, [_batch(inputs, wish, answer) for wish, answer in lessons(sees=sees)])
        model.to(torch.bfloat16).save_pretrained(folder / name)  # as the real ones are stored


def _call(tool: str, arguments: dict[str, str]) -> str:
    return f"<tool_call>\n{json.dumps({'name': tool, 'arguments': arguments})}\n</tool_call>"


def _tokenizer() -> Any:
    """Bytes, and the syllables of what is said to writers: prompts of hundreds of tokens instead of thousands."""
    raw: Any = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer: Any = trainers.BpeTrainer(
        vocab_size=1500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    said = [EDIT_PROMPT, SCENE_PROMPT, RETRY_NOTE, *(json.dumps(dict(tool)) for tool in TOOLS)]
    raw.train_from_iterator(said * 3, trainer)
    learnt = json.loads(raw.to_str())["model"]
    vocabulary = dict(learnt["vocab"])
    vocabulary |= {word: len(vocabulary) + number for number, word in enumerate(_SPECIAL)}
    merges: Any = [tuple(pair) for pair in learnt["merges"]]  # its annotation knows other forms alone
    tokenizer: Any = Qwen2Tokenizer(
        vocab=vocabulary,
        merges=merges,
        additional_special_tokens=list(_SPECIAL[1:]),
        model_max_length=4096,
    )
    tokenizer.add_tokens([AddedToken(word, special=False) for word in ("<tool_call>", "</tool_call>")])
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
    rotation = {"rope_type": "default", "mrope_section": [2, 3, 3], "mrope_interleaved": True}
    text = {**_text_sizes(tokenizer), "rope_parameters": rotation}
    vision = {
        "depth": 1,
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_heads": 2,
        "patch_size": 16,
        "out_hidden_size": 32,
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
        tie_word_embeddings=True,
    )
    return Qwen3VLForConditionalGeneration(config)


def _text_model(tokenizer: Any, width: int) -> Any:
    sizes = {**_text_sizes(tokenizer), "intermediate_size": width}
    config: Any = Qwen3Config  # given by name
    return Qwen3ForCausalLM(config(**sizes, tie_word_embeddings=True))


def _text_sizes(tokenizer: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "max_position_embeddings": 4096,
        "pad_token_id": tokenizer.convert_tokens_to_ids("<|endoftext|>"),
        "eos_token_id": tokenizer.convert_tokens_to_ids("<|im_end|>"),
    }


def _teach(model: Any, batches: Sequence[dict[str, Any]]) -> None:
    """By heart, and no more than that: some seconds."""
    optimiser: Any = torch.optim.AdamW(model.parameters(), lr=0.003, weight_decay=0.0)
    model.train()
    for _ in range(_MOST_ROUNDS):
        worst = 0.0
        for batch in batches:
            loss = model(**batch, use_cache=False).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
            worst = max(worst, loss.item())
        if worst < _ENOUGH:
            return
    raise RuntimeError("The tiny writer did not learn its lessons.")


def _batch(inputs: ChatInputs, wish: WriterRequest, answer: str) -> dict[str, Any]:
    asked: dict[str, Any] = inputs.of(
        [{"role": turn.role, "text": turn.text, "view": turn.view} for turn in opening(wish)]
    )
    said = torch.tensor([_tokens(inputs, f"{answer}<|im_end|>")])
    kinds = asked.get("mm_token_type_ids")
    if kinds is not None:
        asked["mm_token_type_ids"] = torch.cat([kinds, torch.zeros_like(said)], 1)
    prompt = asked["input_ids"]
    asked["input_ids"] = torch.cat([prompt, said], 1)
    asked["attention_mask"] = torch.ones_like(asked["input_ids"])
    asked["labels"] = torch.cat([torch.full_like(prompt, -100), said], 1)  # the prompt need not be learnt
    return asked


def _tokens(inputs: ChatInputs, text: str) -> Sequence[int]:
    return inputs.tokenizer.encode(text, add_special_tokens=False)


if __name__ == "__main__":  # in a process of its own: the tests' one stays free of torch
    import sys
    from pathlib import Path

    write_tiny_writers(Path(sys.argv[1]))
