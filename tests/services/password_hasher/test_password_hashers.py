"""Hashes of passwords: all hashers alike, and what Argon2id is asked for."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from services.password_hasher.argon2_password_hasher import Argon2PasswordHasher
from tests.fakes.fake_password_hasher import FakePasswordHasher
from tests.source_code import PROJECT

if TYPE_CHECKING:
    from services.password_hasher.password_hasher import PasswordHasher


@pytest.fixture(params=["argon2", "fake"])
def hasher(request: pytest.FixtureRequest) -> PasswordHasher:
    if request.param == "fake":
        return FakePasswordHasher()
    return Argon2PasswordHasher(memory_kib=64, passes=1, lanes=1)


@pytest.mark.parametrize("password", ["correct horse", "pässwörter 🐎", "x" * 1024, ""])
def test_a_hash_matches_its_password_alone(hasher: PasswordHasher, password: str) -> None:
    made = hasher.hash(password)
    assert hasher.matches(password, made)
    assert not hasher.matches(f"{password}x", made)
    assert password == "" or password not in made
    assert len(made) <= 256
    assert made != hasher.hash(password), "two people with one password have two hashes"
    assert not hasher.is_outdated(made)


@pytest.mark.parametrize("damaged", ["", "$", "nonsense", "$argon2id$v=19$m=64,t=1,p=1$AAAA", "$2b$12$abc"])
def test_what_is_no_hash_matches_no_password(hasher: PasswordHasher, damaged: str) -> None:
    assert not hasher.matches("", damaged)
    assert not hasher.matches("correct horse", damaged)


def test_argon2id_is_used_as_rfc_9106_recommends_for_little_memory() -> None:
    made = Argon2PasswordHasher().hash("correct horse")
    assert made.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert Argon2PasswordHasher().matches("correct horse", made)


def test_hashes_by_other_parameters_still_match_and_are_outdated() -> None:
    old, new = Argon2PasswordHasher(memory_kib=64, passes=1, lanes=1), Argon2PasswordHasher(memory_kib=128, passes=1)
    made = old.hash("correct horse")
    assert new.matches("correct horse", made)
    assert new.is_outdated(made)
    assert not old.is_outdated(made)


def test_argon2_is_imported_with_the_first_password() -> None:
    code = (
        "import sys; from services.password_hasher.argon2_password_hasher import Argon2PasswordHasher as Hasher;"
        "hasher = Hasher(); assert 'argon2' not in sys.modules; hasher.hash('x'); assert 'argon2' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True)
