"""Fixed facts of this distribution."""

from __future__ import annotations

from pathlib import Path
from typing import Final

VERSION: Final = "0.1.0"
PROJECT_DIR: Final = Path(__file__).resolve().parent.parent
SERVER_FILE: Final = PROJECT_DIR / "ltx2_server.py"
PAGE_DIR: Final = PROJECT_DIR / "web"
SHIPPED_SEEDS_DIR: Final = PROJECT_DIR / "assets" / "seeds"
MOSS_DIR: Final = PROJECT_DIR / "assets" / "moss"
PICTURE_CHECK_DIR: Final = PROJECT_DIR / "assets" / "picture_check"
FONTS_DIR: Final = PROJECT_DIR / "assets" / "fonts"
