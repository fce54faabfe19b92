"""Contact sheets as files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from training.pictures import contact_sheet, save_contact_sheet

if TYPE_CHECKING:
    from pathlib import Path

RED = np.full((8, 12, 3), (200, 0, 0), dtype=np.uint8)
GREEN_AND_NEAR = np.full((8, 12, 4), (0, 200, 0, 255), dtype=np.uint8)
GREY = np.full((8, 12, 1), 90, dtype=np.uint8)


def test_frames_lie_in_their_rows_and_columns() -> None:
    sheet = np.asarray(contact_sheet([[RED, GREEN_AND_NEAR], [GREY]]))
    assert (sheet[:8, :12] == (200, 0, 0)).all()
    assert (sheet[:8, 14:26] == (0, 200, 0)).all()
    assert (sheet[10:18, :12] == 90).all()


def test_labels_stand_above_and_frames_grow(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "sheet.png"
    save_contact_sheet(path, [[RED], [GREY]], [["first"], ["second"]], scale=3)
    with Image.open(path) as sheet:
        pixels = np.asarray(sheet)
    assert pixels.shape == (2 * (24 + 14 + 2), 36 + 2, 3)
    assert (pixels[14:38, :36] == (200, 0, 0)).all()
    assert pixels[:14].max() > 150
