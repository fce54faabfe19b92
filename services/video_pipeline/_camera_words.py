"""Camera motions as words at the end of a prompt, for models without a LoRA for them."""

from __future__ import annotations

from typing import assert_never

from services.video_pipeline.film_order import Camera


def camera_words(camera: Camera) -> str:
    match camera:
        case Camera.STATIC:
            return "The camera stands still on a tripod."
        case Camera.DOLLY_IN:
            return "The camera moves slowly and steadily forwards."
        case Camera.DOLLY_OUT:
            return "The camera moves slowly and steadily backwards."
        case Camera.DOLLY_LEFT:
            return "The camera glides to the left."
        case Camera.DOLLY_RIGHT:
            return "The camera glides to the right."
        case Camera.JIB_UP:
            return "The camera rises smoothly."
        case Camera.JIB_DOWN:
            return "The camera sinks smoothly."
        case Camera.FOCUS_SHIFT:
            return "The focus shifts from the foreground to the background."
        case _:
            assert_never(camera)
