"""The writer's model inside its worker's process: a conversation in, what the model says to it out."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import structlog
import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    StoppingCriteria,
    StoppingCriteriaList,
)

from services.local_models.loading import loading
from services.local_models.quantising import for_transformers
from services.prompt_writer.chat_inputs import OTHER_EYES, ChatInputs
from services.prompt_writer.tool_protocol import MAX_NEW_TOKENS, TEMPERATURE
from services.torch_worker.worker_service import ServiceRefusalError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from runtime_config.authoring_config import Quantisation
    from services.torch_worker.torch_worker import Plain
    from services.torch_worker.worker_service import Job

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class WriterService:
    """A `WorkerService`. `say` takes turns as mappings of role, text and view, and gives what the model says to them,
    with the markers that it writes; it reports how many tokens it has written. `prepare` does nothing more than load.
    """

    def __init__(self, folder: Path, placement: str, threads: int, quant: Quantisation) -> None:
        torch.set_num_threads(threads)
        # transformers leaves the types of its factories open
        config = cast("Any", AutoConfig).from_pretrained(folder, local_files_only=True)
        image_token = _image_token(config)
        self._inputs = ChatInputs(folder, image_token)
        models = cast("Any", AutoModelForCausalLM if image_token is None else AutoModelForImageTextToText)
        self._model = models.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32 if placement == "cpu" and quant == "none" else torch.bfloat16,
            device_map="cuda" if placement == "resident" else "cpu",  # without a stay in RAM on the way
            quantization_config=for_transformers(quant),
        ).eval()
        self._is_parked = placement == "offloaded"

    def handle(self, method: str, payload: Plain, job: Job) -> Plain:
        if method == "prepare":
            return None
        job.check()
        with self._on_device():  # outside of any inference mode, in which quantised weights cannot be moved
            return self._say(cast("Sequence[Mapping[str, Any]]", payload), job)

    def _say(self, turns: Sequence[Mapping[str, Any]], job: Job) -> str:
        inputs = {name: tensor.to(self._model.device) for name, tensor in self._inputs.of(turns).items()}
        asked = inputs["input_ids"].shape[1]
        tokenizer = self._inputs.tokenizer
        made = self._model.generate(
            **inputs,
            max_new_tokens=MAX_NEW_TOKENS,
            do_sample=True,
            temperature=TEMPERATURE,
            pad_token_id=tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id,
            stopping_criteria=StoppingCriteriaList([_Leaving(job, asked)]),
        )
        return tokenizer.decode(made[0, asked:], skip_special_tokens=False)

    @contextmanager
    def _on_device(self) -> Generator[None]:
        """A parked model is on the device while it is asked something, and leaves the room to others afterwards."""
        if not self._is_parked:
            yield
            return
        self._model.to("cuda")
        try:
            yield
        finally:
            self._model.to("cpu")
            torch.cuda.empty_cache()


class _Leaving(StoppingCriteria):
    """Asked after each token. Stopping in the ordinary way would still hand out what there is; this leaves."""

    def __init__(self, job: Job, asked: int) -> None:
        self._job = job
        self._asked = asked

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        del scores, kwargs
        self._job.check()
        self._job.report(input_ids.shape[1] - self._asked)
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)


def _image_token(config: Any) -> int | None:
    """What stands for a picture among the tokens; None for a model that reads no pictures.

    Raises:
        ServiceRefusalError: it has another way to read them.
    """
    if not hasattr(config, "vision_config"):
        return None
    if not hasattr(config, "image_token_id"):
        raise ServiceRefusalError(OTHER_EYES)
    return config.image_token_id


def build_writer_service(folder: str, placement: str, threads: int, quant: Quantisation = "none") -> WriterService:
    with loading("prompt writer's model", placement):
        service = WriterService(Path(folder), placement, threads, quant)
    logger.info("The prompt writer's model is loaded", placement=placement, quant=quant)
    return service
