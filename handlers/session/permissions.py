"""What the client of one session may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from access_rules import INIT_ACTION_LOGGING, INIT_AUTHORING, INIT_RECORDING, INIT_WORLD_ID
from error_types import DomainError
from wire_protocol import InitRequest, RecordingEvent, RecordingMessage, TimedInitRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from access_rules import Rule, Visitor
    from handlers.visitors_handler import VisitorsHandler
    from wire_protocol import AnyRequest

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class SessionPermissions:
    """`extended`: the client understands messages about recordings; for others the log says the same."""

    def __init__(
        self,
        visitors: VisitorsHandler,
        visitor: Visitor,
        *,
        post: Callable[[RecordingMessage], None],
        extended: bool,
    ) -> None:
        self._visitors = visitors
        self._visitor = visitor
        self._post = post
        self._extended = extended

    def permitted(self, request: AnyRequest) -> AnyRequest:
        """The request as it may be served: an `init` loses what is asked for beside the world.

        Raises:
            DomainError: the client may not make it.
        """
        self._visitors.require_request(self._visitor, request.type)
        return self._permitted_init(request) if isinstance(request, InitRequest) else request

    def picture(self) -> AbstractContextManager[None]:
        """Counts a picture that the block keeps. Raises: DomainError, the quota is used up."""
        return self._visitors.picture(self._visitor)

    def _permitted_init(self, request: InitRequest) -> InitRequest:
        if isinstance(request, TimedInitRequest) and request.world_id is not None:
            self._visitors.require(self._visitor, INIT_WORLD_ID)
        config = request.config
        recording = config.video_recording and self._may("Recording", INIT_RECORDING, tells=self._extended)
        logging = config.action_logging and self._may("The log of inputs", INIT_ACTION_LOGGING)
        authoring = config.scene_authoring and self._may("Scene authoring", INIT_AUTHORING)
        changes = {"video_recording": recording, "action_logging": logging, "scene_authoring": authoring}
        return request.model_copy(update={"config": config.model_copy(update=changes)})

    def _may(self, what: str, rule: Rule, *, tells: bool = False) -> bool:
        try:
            self._visitors.require(self._visitor, rule)
        except DomainError as error:
            logger.warning(f"{what} stays off", reason=error.message, code=error.code.value)
            if tells:
                self._post(RecordingMessage(event=RecordingEvent.FAILED, message=error.message, code=error.code))
            return False
        return True
