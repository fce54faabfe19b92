"""Jobs for scenes: taken on by what is known, refused only after another look, and forgotten as configured."""

from __future__ import annotations

import pytest

from error_types import DomainError, ErrorCode
from handlers.authoring_handler import AuthoringHandler, AuthoringUnavailable
from runtime_config.authoring_config import AuthoringConfig
from state.app_state_types import AuthoringFailed
from state.transitions import IllegalTransitionError
from tests.fakes.fake_device import GIB
from tests.handlers.engines.rig import Rig, run


def authoring(here: Rig, *, kept_jobs: int = 20) -> AuthoringHandler:
    config = AuthoringConfig(kept_jobs=kept_jobs)
    return AuthoringHandler(here.state, here.lock, residency=here.residency, clock=here.clock, config=config)


def test_a_scene_is_refused_only_after_another_look() -> None:
    async def main() -> None:
        here = Rig(vram=4)
        handler = authoring(here)
        await here.residency.refresh()
        with pytest.raises(DomainError, match="needs a GPU") as refused:
            await handler.begin("scene", None, "fog")
        assert refused.value.code is ErrorCode.AUTHORING_UNAVAILABLE
        here.device.vram = 40 * GIB  # another program has ended, and nobody told us
        assert isinstance(handler.availability(), AuthoringUnavailable)
        assert (await handler.begin("scene", None, "fog")).prompt == "fog"

    run(main)


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_as_many_jobs_are_kept_as_configured(kept: int) -> None:
    async def main() -> None:
        here = Rig(vram=40)
        handler = authoring(here, kept_jobs=kept)
        await here.residency.refresh()
        for prompt in ("one", "two", "three"):
            job = await handler.begin("scene", None, prompt)
            handler.move(job.id, AuthoringFailed(ErrorCode.CANCELLED, "It was given up."))
        assert [job.prompt for job in handler.unowned()] == ["three", "two"][:kept]

    run(main)


def test_a_job_does_not_go_back_to_waiting() -> None:
    async def main() -> None:
        here = Rig(vram=40)
        handler = authoring(here)
        await here.residency.refresh()
        job = await handler.begin("scene", None, "fog")
        with pytest.raises(IllegalTransitionError):
            handler.move(job.id, job.state)

    run(main)
