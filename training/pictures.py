"""Contact sheets: many frames in one labelled PNG, for eyes that judge data and models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_LABEL_HEIGHT: Final = 14
_GAP: Final = 2
_PAPER: Final = (24, 24, 28)
_INK: Final = (225, 225, 225)


def contact_sheet(
    rows: Sequence[Sequence[NDArray[np.uint8]]], labels: Sequence[Sequence[str]] | None = None, *, scale: int = 1
) -> Image.Image:
    """Rows of frames, each with its label above it.

    Frames are uint8 [height, width, channels]: three channels are RGB, of four the last (disparity) is left out, one is
    grey. All have the size of the first. Rows may be of different lengths; `labels` has the form of `rows`.
    """
    height, width = rows[0][0].shape[0] * scale, rows[0][0].shape[1] * scale
    top = _LABEL_HEIGHT if labels is not None else 0
    columns = max(len(row) for row in rows)
    sheet = Image.new("RGB", (columns * (width + _GAP), len(rows) * (height + top + _GAP)), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for r, row in enumerate(rows):
        for c, frame in enumerate(row):
            x, y = c * (width + _GAP), r * (height + top + _GAP)
            if labels is not None:
                pen.text((x + 3, y + 1), labels[r][c], fill=_INK)
            picture = _picture_of(frame)
            if scale != 1:
                picture = picture.resize((width, height), Image.Resampling.NEAREST)
            sheet.paste(picture, (x, y + top))
    return sheet


def save_contact_sheet(
    path: Path,
    rows: Sequence[Sequence[NDArray[np.uint8]]],
    labels: Sequence[Sequence[str]] | None = None,
    *,
    scale: int = 1,
) -> None:
    """Write a `contact_sheet` as PNG; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    contact_sheet(rows, labels, scale=scale).save(path, format="PNG")


def _picture_of(frame: NDArray[np.uint8]) -> Image.Image:
    match frame.shape[-1]:
        case 1:
            return Image.fromarray(frame[..., 0]).convert("RGB")
        case _:
            return Image.fromarray(frame[..., :3].copy())
