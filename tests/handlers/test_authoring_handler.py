"""Jobs for scenes: taken on by what is known, refused only after another look, and forgotten as configured."""

from __future__ import annotations

import pytest

from error_types import DomainError, ErrorCode
from handlers.authoring_handler import AuthoringHandler, AuthoringUnavailable
from runtime_config.authoring_config import AuthoringConfig
from runtime_config.current import Current
from state.app_state_types import AuthoringFailed
from state.transitions import IllegalTransitionError
from tests.fakes.fake_device import GIB
from tests.handlers.engines.rig import Rig, run


def authoring(here: Rig) -> AuthoringHandler:
    return AuthoringHandler(here.state, here.lock, residency=here.residency, config=Current.fixed(AuthoringConfig()))


def test_a_scene_is_refused_only_after_another_look() -> None:
    async def main() -> None:
        here = Rig(vram=4)
        handler = authoring(here)
        await here.residency.refresh()
        with pytest.raises(DomainError, match="needs a GPU") as refused:
            await handler.begin("scene", "a session", "fog")
        assert refused.value.code is ErrorCode.AUTHORING_UNAVAILABLE
        here.device.vram = 40 * GIB  # another program has ended, and nobody told us
        assert isinstance(handler.availability(), AuthoringUnavailable)
        assert (await handler.begin("scene", "a session", "fog")).prompt == "fog"

    run(main)


def test_a_session_has_one_job_at_a_time_and_is_free_when_it_is_over() -> None:
    async def main() -> None:
        here = Rig(vram=40)
        handler = authoring(here)
        await here.residency.refresh()
        job = await handler.begin("scene", "a session", "one")
        with pytest.raises(DomainError, match="still being made"):
            await handler.begin("edit", "a session", "two")
        await handler.begin("edit", "another session", "two")
        handler.move(job.id, AuthoringFailed(ErrorCode.CANCELLED, "It was given up."))
        assert job.id not in here.state.authoring
        await handler.begin("edit", "a session", "two")

    run(main)


def test_a_job_does_not_go_back_to_waiting() -> None:
    async def main() -> None:
        here = Rig(vram=40)
        handler = authoring(here)
        await here.residency.refresh()
        job = await handler.begin("scene", "a session", "fog")
        with pytest.raises(IllegalTransitionError):
            handler.move(job.id, job.state)

    run(main)
