"""Every example of the client's README runs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.client.rig import client_rig
from tests.waiting import deadline_s
from tests.web.node_tools import require_node

if TYPE_CHECKING:
    from collections.abc import Iterator

API = Path(__file__).resolve().parents[2] / "docs" / "api.md"
THERE = "http://127.0.0.1:7987"
README = Path(__file__).resolve().parents[2] / "client" / "README.md"


def _examples() -> Iterator[tuple[str, str]]:
    for section in README.read_text(encoding="utf-8").split("\n## ")[1:]:
        for number, code in enumerate(re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL), 1):
            yield f"{section.splitlines()[0]}-{number}", code


EXAMPLES = dict(_examples())


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    with client_rig(tmp_path) as rig:
        exec(compile(EXAMPLES[name], name, "exec"), {"URL": rig.url})  # the examples are ours
        assert rig.model.engines or "step(" not in EXAMPLES[name], "The example played nothing."


def _api_example(language: str) -> str:
    [code] = re.findall(rf"```{language}\n(.*?)```", API.read_text(encoding="utf-8"), flags=re.DOTALL)
    return code


def test_the_python_of_the_api_guide_runs(tmp_path: Path) -> None:
    with client_rig(tmp_path) as rig:
        exec(compile(_api_example("python").replace(THERE, rig.url), "api.md", "exec"), {})
        assert len(rig.model.engines[0].worlds[0].controls) == 30


@pytest.mark.xdist_group("node")
def test_the_javascript_of_the_api_guide_runs(tmp_path: Path) -> None:
    with client_rig(tmp_path) as rig:
        code = _api_example("js").replace(THERE, rig.url)
        # Node 20 has WebSocket behind this option; newer ones take it, too.
        command = [require_node(), "--experimental-websocket", "--input-type=module", "-e", code]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=deadline_s())
        assert len(done.stdout.splitlines()) == len(rig.model.engines[0].worlds[0].controls) > 5


def test_a_walk_takes_ten_lines_at_most() -> None:
    assert len([line for line in EXAMPLES["A walk-1"].splitlines() if line.strip()]) <= 10
