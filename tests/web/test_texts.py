"""Every stage, error and warning has words in the client, and no words are left over."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from error_types import ErrorCode
from services.feedback_store.feedback_store import FeedbackTag
from tests.web.node_tools import WEB, require_node
from wire_protocol import ErrorId, ProgressStep, StageId, WarningId

if TYPE_CHECKING:
    from enum import StrEnum

TEXTS = WEB / "texts" / "en" / "server.js"
TABLES: dict[str, type[StrEnum]] = {
    "progress": ProgressStep,
    "stages": StageId,
    "errors": ErrorId,
    "warnings": WarningId,
    "codes": ErrorCode,
    "feedbackTags": FeedbackTag,
}


def _read_with_node(node: str) -> dict[str, dict[str, str]]:
    program = f"import * as texts from {json.dumps(TEXTS.as_uri())}; console.log(JSON.stringify(texts));"
    done = subprocess.run([node, "--input-type=module", "-e", program], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def _read_as_text() -> dict[str, dict[str, str]]:
    source = TEXTS.read_text(encoding="utf-8")
    tables = re.findall(r"export const (\w+) = \{\n(.*?)\n\};", source, re.DOTALL)
    entry = re.compile(r'^ +"?([\w.]+)"?: "(.*)",$', re.MULTILINE)
    return {name: dict(entry.findall(body)) for name, body in tables}


@pytest.fixture(name="texts", scope="module")
def fixture_texts() -> dict[str, dict[str, str]]:
    node = shutil.which("node")
    return _read_with_node(node) if node else _read_as_text()


@pytest.mark.parametrize("table", TABLES)
def test_every_member_has_a_text(texts: dict[str, dict[str, str]], table: str) -> None:
    assert set(texts[table]) == {member.value for member in TABLES[table]}
    assert all(text.strip() for text in texts[table].values())


def test_both_ways_of_reading_agree() -> None:
    assert _read_as_text() == _read_with_node(require_node())


def test_the_page_loads_nothing_from_elsewhere() -> None:
    scripts = [path for folder in (".", "controls", "texts", "texts/en") for path in (WEB / folder).glob("*.js")]
    pages = [*WEB.glob("*.html"), *scripts, *WEB.glob("styles/*.css")]
    for path in pages:
        addresses = re.findall(r"""(?:https?:)?//[\w-]+\.[\w.-]+""", path.read_text(encoding="utf-8"))
        assert addresses == [], path.name


def test_the_page_needs_no_inline_style_or_script() -> None:
    page = (WEB / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\ssrc=)", page)
