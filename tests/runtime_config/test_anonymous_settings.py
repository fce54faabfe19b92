"""What strangers may do is a typed set: in one flag, in repeated flags, or in the variable."""

from __future__ import annotations

import pytest

from runtime_config.anonymous_config import AnonymousAction
from runtime_config.launch_error import LaunchError
from runtime_config.read_config import read_config
from runtime_config.runtime_config import RuntimeConfig

UPLOADS, _, WORLDS, _ = AnonymousAction


def may(*arguments: str, **variables: str) -> tuple[AnonymousAction, ...]:
    config, _ = read_config(RuntimeConfig, arguments, {f"TERRARIUM_{name}": text for name, text in variables.items()})
    return config.access.anonymous.may


def test_nothing_is_allowed_by_default() -> None:
    assert may() == ()
    assert may(ANONYMOUS_MAY="") == ()


def test_several_are_named_in_any_way() -> None:
    assert may("--anonymous-may", "uploads,worlds") == (UPLOADS, WORLDS)
    assert may("--anonymous-may", "uploads", "--anonymous-may", " worlds , uploads") == (UPLOADS, WORLDS)
    assert may(ANONYMOUS_MAY="worlds, uploads") == (WORLDS, UPLOADS)


def test_a_word_that_is_no_action_is_refused() -> None:
    with pytest.raises(LaunchError, match=r"--anonymous-may: 'everything' will not do"):
        may("--anonymous-may", "everything")
    with pytest.raises(LaunchError, match=r"TERRARIUM_ANONYMOUS_MAY: 'upload' will not do"):
        may(ANONYMOUS_MAY="upload")
