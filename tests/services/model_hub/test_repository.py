"""A repository is named once, in code, and a slip there is found when the module is imported."""

from __future__ import annotations

from typing import Any

import pytest

from services.model_hub.repository import Repository

GOOD: dict[str, Any] = {
    "model_id": "owner/name",
    "files": ("config.json", "vae/*.safetensors"),
    "size_bytes": 10,
    "licence": "MIT",
}


def test_a_branch_is_not_pinned_and_a_commit_is() -> None:
    assert not Repository(**GOOD).is_pinned
    assert Repository(**GOOD, revision="0123456789abcdef" * 2 + "01234567").is_pinned


@pytest.mark.parametrize(
    "slip",
    [
        {"model_id": "name"},
        {"model_id": "owner/../name"},
        {"files": ()},
        {"files": ("../secrets",)},
        {"files": ("/etc/passwd",)},
        {"files": ("a//b",)},
        {"revision": ""},
        {"revision": "../main"},
        {"revision": "refs/pr/1"},
    ],
)
def test_what_is_malformed_is_refused(slip: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="name"):
        Repository(**{**GOOD, **slip})
