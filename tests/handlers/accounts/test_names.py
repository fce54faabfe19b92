"""What names and passwords may be, and when two names are the same."""

from __future__ import annotations

import pytest

from error_types import DomainError
from handlers.accounts.names import agent_of, checked_name, checked_password, name_key


@pytest.mark.parametrize("name", ["A", "Ann", "Ann Smith", "Änne", "安", "x" * 64, "o'Neil-2", "🐎"])
def test_names_are_kept_as_they_are(name: str) -> None:
    assert checked_name(f" {name} ") == name


@pytest.mark.parametrize(
    "name",
    ["", " ", "x" * 65, "a\x00", "a\nb", "a\tb", "a\x7fb", "a\u200bb", "a\u202eb", "a\u2028b", "\ue000", "\ufeffa"],
)
def test_names_that_do_not_show_as_they_are_will_not_do(name: str) -> None:
    with pytest.raises(DomainError, match=r"A name has .*\."):
        checked_name(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ann", "aNN"), ("Straße", "STRASSE"), ("Änne", "A\u0308nne"), ("ﬁn", "FIN"), ("\uff21\uff4e\uff4e", "ann")],
)
def test_names_that_are_written_alike_are_the_same(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)
    assert name_key(name_key(one)) == name_key(one)
    assert name_key(one) != name_key("Bob")


def test_passwords_are_the_same_from_every_keyboard() -> None:
    assert checked_password("pa\u0308sswo\u0308rter") == "p\u00e4ssw\u00f6rter"
    assert checked_password(" spaces count ") == " spaces count "


@pytest.mark.parametrize("password", ["", "x" * 9, "x" * 1025, "ä" * 9])
def test_passwords_that_are_too_short_or_too_long_will_not_do(password: str) -> None:
    with pytest.raises(DomainError, match="10 to 1024 characters"):
        checked_password(password)


@pytest.mark.parametrize(
    ("header", "agent"), [(None, ""), ("Firefox", "Firefox"), ("a\x1b[31mb", "a[31mb"), ("x" * 300, "x" * 200)]
)
def test_what_a_browser_calls_itself_is_safe_to_show(header: str | None, agent: str) -> None:
    assert agent_of(header) == agent
