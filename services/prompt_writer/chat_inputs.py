"""From turns of a conversation to what a model takes in: tokens, and a picture in its place among them.

The processor that transformers has for models of the Qwen-VL family also holds one for videos, which needs
torchvision. Its parts for pictures and text do without, so they are put together here.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final, cast

import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoTokenizer

from services.local_models.model_folder import read_mapping
from services.prompt_writer.system_prompts import TOOLS
from services.torch_worker.worker_service import ServiceRefusalError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

OTHER_EYES: Final = (
    "The prompt writer's model reads pictures in a way that is not known here. Take one of the Qwen-VL family, or one"
    " that reads none."
)
_TEMPLATE_FILE: Final = "chat_template.json"  # where processors keep the template; tokenizers have other places


class ChatInputs:
    """A model's tokenizer with its chat template, and its image processor where it has an `image_token` (a number)."""

    def __init__(self, folder: Path, image_token: int | None) -> None:
        # transformers leaves the types of its factories open
        tokenizers, processors = cast("Any", AutoTokenizer), cast("Any", AutoImageProcessor)
        self.tokenizer = tokenizers.from_pretrained(folder, local_files_only=True)
        self._template = read_mapping(folder / _TEMPLATE_FILE).get("chat_template") or self.tokenizer.chat_template
        self._image_token = image_token
        self._processor: Any = None
        if image_token is not None:
            self._processor = processors.from_pretrained(folder, local_files_only=True, backend="pil")
            if not hasattr(self._processor, "merge_size"):
                raise ServiceRefusalError(OTHER_EYES)
        self._check_template()

    def of(self, turns: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """What `generate` takes, for a batch of one. A turn has a role, a text, and a view (JPEG) or None.

        Raises:
            ServiceRefusalError: the template has not the one place for the picture that it should have.
        """
        views = [turn["view"] for turn in turns if turn["view"] is not None and self._image_token is not None]
        tokens = self._tokens(turns)
        if self._image_token is None:
            return _batch(tokens)
        if tokens.count(self._image_token) != len(views):
            raise ServiceRefusalError("The chat template of the prompt writer's model has no place for a picture.")
        if not views:
            return _batch(tokens) | {"mm_token_type_ids": torch.zeros(1, len(tokens), dtype=torch.long)}
        pictures = [Image.open(io.BytesIO(view)).convert("RGB") for view in views]
        patches = self._processor(images=pictures, return_tensors="pt")
        grids = cast("list[list[int]]", patches["image_grid_thw"].tolist())  # [time, height, width] in patches
        merged = self._processor.merge_size**2  # patches that become one token
        tokens = _widened(tokens, self._image_token, [time * height * width // merged for time, height, width in grids])
        kinds = torch.tensor([[int(token == self._image_token) for token in tokens]])  # 1 for a picture's
        return _batch(tokens) | {"mm_token_type_ids": kinds, **patches}

    def _tokens(self, turns: Sequence[Mapping[str, Any]]) -> list[int]:
        return self.tokenizer.apply_chat_template(
            [self._message(turn) for turn in turns],
            tools=[dict(tool) for tool in TOOLS],
            chat_template=self._template,
            add_generation_prompt=True,
            enable_thinking=False,  # for templates that know it
            # What a prompt holds of the template's own tokens becomes ordinary text: they mean something where the
            # template writes them, and nowhere else.
            sanitize_control_tokens=True,
            return_dict=False,
        )

    def _message(self, turn: Mapping[str, Any]) -> dict[str, Any]:
        if turn["view"] is None or self._image_token is None:
            return {"role": turn["role"], "content": turn["text"]}
        return {"role": turn["role"], "content": [{"type": "image"}, {"type": "text", "text": turn["text"]}]}

    def _check_template(self) -> None:
        """Raises: ServiceRefusalError, the model has no template, or one that leaves the tools out."""
        if self._template is not None:
            turn = {"role": "user", "text": "", "view": None}
            described = str(TOOLS[0]["function"]["description"])
            if described in self.tokenizer.decode(self._tokens([turn])):
                return
        raise ServiceRefusalError("The prompt writer's model has no chat template with tools. Take another model.")


def _widened(tokens: Sequence[int], image_token: int, widths: Sequence[int]) -> list[int]:
    """With each place of a picture as wide as the picture."""
    coming = iter(widths)
    return [repeated for token in tokens for repeated in [token] * (next(coming) if token == image_token else 1)]


def _batch(tokens: Sequence[int]) -> dict[str, torch.Tensor]:
    row = torch.tensor([list(tokens)])
    return {"input_ids": row, "attention_mask": torch.ones_like(row)}
