"""What the distilled LTX-2 can make, and what it takes for that."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from services.video_pipeline.film_order import Camera, Control, WayName
from services.video_pipeline.ltx_files import LICENCE, UPSCALER_ID
from services.video_pipeline.video_specs import CameraSpec, FilmSize, ModelMissing, ModelReady, VideoSpecs, tokens_of

if TYPE_CHECKING:
    from services.video_pipeline.film_order import FilmOrder
    from services.video_pipeline.ltx_files import LtxFiles

STEPS: Final = 8  # the levels of noise that the model was distilled for; the second pass of an upscaled film has 3 more
_SIZES: Final = (
    FilmSize("540p", 960, 544),
    FilmSize("540p upright", 544, 960),
    FilmSize("square", 768, 768),
    FilmSize("720p", 1280, 704),
    FilmSize("720p upright", 704, 1280),
    FilmSize("1080p", 1920, 1088),
    FilmSize("1080p upright", 1088, 1920),
)
NO_DEPTH: Final = "Nothing here finds depth. Bring a video of the depth along, as a control that is one already."
_NO_POSE: Final = (
    "Nothing here finds poses: OpenCV does that by a model, and none comes with this server. Bring a video of the poses"
    " along, as a control that is one already."
)
_RATES: Final = (24.0, 24000 / 1001, 25.0, 30000 / 1001, 30.0, 48.0, 50.0, 60.0)
# Estimates from the shapes of the model, in bytes: the device's own share, activations of a token, a decoded pixel.
_BASE: Final = 2 << 30
_OF_TOKEN: Final = 160 << 10
_OF_PIXEL: Final = 18


def specs_of(files: LtxFiles, *, is_loaded: bool, why_no_depth: str | None) -> VideoSpecs:
    missing = files.what_is_missing()
    no_upscaler = None
    if files.upscaler is None:
        no_upscaler = f"The upscaler is not on this machine. Download it with: hf download {UPSCALER_ID}"
    ways: dict[WayName, str | None] = dict.fromkeys(WayName)
    ways[WayName.UPSCALE] = no_upscaler
    ways[WayName.CONTROL] = files.why_no_loras()
    return VideoSpecs(
        model=files.model_id,
        revision=files.revision,
        licence=LICENCE,
        readiness=ModelReady(is_loaded) if missing is None else ModelMissing(missing),
        sizes=_SIZES,
        rates=_RATES,
        ways=MappingProxyType(ways),
        cameras=tuple(
            CameraSpec(camera, "words" if files.camera_lora(camera) is None else "lora") for camera in Camera
        ),
        steps=STEPS,
        why_no_upscale=no_upscaler,
        why_no_loras=files.why_no_loras(),
        controls=MappingProxyType(
            {Control.EDGES: None, Control.DEPTH: why_no_depth, Control.POSE: _NO_POSE, Control.AS_IS: None}
        ),
        own_controls=tuple(control for control in Control if files.control_lora(str(control)) is not None),
    )


def usual_work() -> int:
    """`work_of` five seconds in 540p."""
    return _work(960, 544, 121)


def work_of(order: FilmOrder) -> int:
    """Bytes beside the weights while the order is made: an estimate that no card has confirmed."""
    return _work(order.width, order.height, order.frames)


def _work(width: int, height: int, frames: int) -> int:
    return _BASE + tokens_of(width, height, frames) * _OF_TOKEN + width * height * frames * _OF_PIXEL
