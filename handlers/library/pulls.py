"""Which models are being pulled, by the jobs that do so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handlers.jobs.board import JobBoard
    from handlers.library.shelf import ModelShelf, ShelfModel
    from services.job_store.job import JobId
    from state.app_state_types import LiveJob

PULL_KIND = "model"


class Pulls:
    def __init__(self, board: JobBoard, shelf: ModelShelf) -> None:
        self._board = board
        self._shelf = shelf

    def of(self, model: ShelfModel, *, but: JobId | None = None) -> LiveJob | None:
        """The job that pulls a model, or waits to, or one that pulls what it shares with another; `but` for one."""
        wanted = {repository.model_id for repository in model.repositories}
        for live in self._board.live():
            if live.job.kind == PULL_KIND and live.job.id != but:
                pulled = self._shelf.find(str(live.job.request.get("model")))
                if pulled is not None and wanted & {repository.model_id for repository in pulled.repositories}:
                    return live
        return None
