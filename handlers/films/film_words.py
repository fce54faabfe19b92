"""The words of a film: as they were typed, or written out by the prompt writer where that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from error_types import DomainError, ErrorCode
from handlers.service_errors import service_errors_translated
from services.prompt_writer.prompt_writer import FilmRequest, Instruction, Refusal, WriterMissing

if TYPE_CHECKING:
    from handlers.engines.residency import ModelResidency
    from handlers.films.film_request import VideoRequest
    from services.prompt_writer.prompt_writer import PromptWriter


class FilmWords:
    def __init__(self, writer: PromptWriter, residency: ModelResidency) -> None:
        self._writer = writer
        self._residency = residency

    def why_not(self) -> str | None:
        """Why no prompt can be written here, in a sentence. Blocks for some small reads of the disk."""
        status = self._writer.status()
        return status.reason if isinstance(status, WriterMissing) else None

    def check(self, request: VideoRequest) -> None:
        """Blocks. Raises: DomainError, a prompt is to be written and nothing here writes one, or there is none."""
        if not _is_to_be_written(request):
            return
        why_not = self.why_not()
        if why_not is not None:
            raise DomainError(f"The prompt cannot be written out. {why_not}", ErrorCode.FILM_REFUSED)

    async def written(self, request: VideoRequest) -> VideoRequest:
        """The request with what the prompt writer makes of its prompt, which any check of a typed one still awaits.

        Raises:
            DomainError: the writer declined the request, failed, or has no room in memory.
        """
        if not _is_to_be_written(request):
            return request
        async with self._residency.reserve(None, None) as reservation:
            with service_errors_translated():
                await reservation.admit("writer")
                written = await self._writer.write(FilmRequest(request.prompt))
        match written:
            case Instruction(text):
                return request.model_copy(update={"written_prompt": text})
            case Refusal(reason):
                message = reason or "The prompt writer declined the request. Try other words."
                raise DomainError(message, ErrorCode.FILM_REFUSED)


def _is_to_be_written(request: VideoRequest) -> bool:
    return request.write_prompt and request.written_prompt is None
