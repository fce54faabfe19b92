"""Every example of the client's README runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.client.rig import client_rig

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def test_a_walk_takes_ten_lines_at_most() -> None:
    assert len([line for line in EXAMPLES["A walk-1"].splitlines() if line.strip()]) <= 10
