"""People that are kept: all stores alike."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from services.account_store.account import ApiToken, Invitation, Role, Scope, User, UserSession
from services.account_store.account_store import AccountFault, AccountStoreError, BySession, ByToken, KnownUser, NewUser
from services.account_store.sql_account_store import SqlAccountStore
from services.database.sql_database import SqlDatabase, sqlite_url
from tests.fakes.fake_account_store import FakeAccountStore
from tests.postgres import emptied_postgres_url

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from services.account_store.account_store import AccountStore


@pytest.fixture(params=["sqlite", "postgres", "fake"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[AccountStore]:
    if request.param == "fake":
        yield FakeAccountStore()
        return
    url = sqlite_url(tmp_path / "terrarium.sqlite") if request.param == "sqlite" else emptied_postgres_url()
    database = SqlDatabase(url)
    yield SqlAccountStore(database)
    database.close()


def new(name: str) -> NewUser:
    return NewUser(id=name.lower(), name=name, name_key=name.lower(), password_hash=f"hash of {name}")


def owner(store: AccountStore, name: str = "Ann") -> User:
    return store.add_first_owner(new(name), 1.0)


def invite(store: AccountStore, role: Role, *, digest: str = "code", by: str | None = None) -> None:
    store.add_invitation(Invitation(f"id of {digest}", role, 1.0, 100.0), digest, by=by)


def guest(store: AccountStore, name: str = "Bob", role: Role = Role.PLAYER) -> User:
    invite(store, role, digest=f"code of {name}")
    return store.add_user(new(name), 2.0, invitation=f"code of {name}")


def session(user: User, session_id: str = "s1", *, created: float = 2.0, expires: float = 100.0) -> UserSession:
    return UserSession(session_id, user.id, created, created, expires, "Firefox")


def signed_in(store: AccountStore, user: User, session_id: str = "s1", **times: float) -> UserSession:
    made = session(user, session_id, **times)
    store.add_session(made, f"digest of {session_id}", password_hash=f"hash of {user.name}")
    return made


def token(store: AccountStore, user: User, token_id: str = "t1", *, expires: float | None = None) -> ApiToken:
    made = ApiToken(token_id, user.id, "robot", frozenset({Scope.PLAY, Scope.READ}), 3.0, expires, None)
    store.add_token(made, f"digest of {token_id}", session_id="s1")
    return made


def refused(fault: AccountFault, work: Callable[[], object]) -> None:
    with pytest.raises(AccountStoreError) as caught:
        work()
    assert caught.value.fault is fault
    assert str(caught.value).endswith(".")


def race(count: int, work: Callable[[int], str]) -> tuple[list[str], list[AccountFault]]:
    """What came of `work` at the same time on many threads: results, and faults."""
    ready = threading.Barrier(count)

    def run(number: int) -> str | AccountFault:
        ready.wait()
        try:
            return work(number)
        except AccountStoreError as error:
            return error.fault

    with ThreadPoolExecutor(count) as threads:
        answers = list(threads.map(run, range(count)))
    faults = [each for each in answers if isinstance(each, AccountFault)]
    return [each for each in answers if not isinstance(each, AccountFault)], faults


def test_the_first_owner_is_there_once(store: AccountStore) -> None:
    assert not store.has_owner()
    ann = owner(store)
    assert (ann.name, ann.role, ann.disabled, ann.created_at) == ("Ann", Role.OWNER, False, 1.0)
    assert store.has_owner()
    refused(AccountFault.OWNER_EXISTS, lambda: store.add_first_owner(new("Eve"), 2.0))
    assert [known.user for known in store.users()] == [ann]


def test_of_many_who_want_to_be_the_first_owner_one_is(store: AccountStore) -> None:
    won, lost = race(8, lambda number: store.add_first_owner(new(f"User{number}"), 1.0).name)
    assert lost == [AccountFault.OWNER_EXISTS] * 7
    assert len(won) == 1
    assert [known.user.name for known in store.users()] == won


def test_an_invitation_is_used_once(store: AccountStore) -> None:
    owner(store)
    invite(store, Role.VIEWER)
    assert store.find_invited_role("code", 99.0) is Role.VIEWER
    assert store.find_invited_role("other", 99.0) is None
    assert store.add_user(new("Bob"), 2.0, invitation="code").role is Role.VIEWER
    assert store.find_invited_role("code", 99.0) is None
    refused(AccountFault.UNKNOWN, lambda: store.add_user(new("Eve"), 2.0, invitation="code"))


def test_of_many_who_have_the_same_code_one_comes_in(store: AccountStore) -> None:
    owner(store)
    invite(store, Role.PLAYER)
    came, refusals = race(6, lambda number: store.add_user(new(f"User{number}"), 2.0, invitation="code").name)
    assert refusals == [AccountFault.UNKNOWN] * 5
    assert len(came) == 1


def test_a_name_that_is_taken_leaves_the_code_for_another_name(store: AccountStore) -> None:
    owner(store)
    invite(store, Role.PLAYER)
    taken = replace(new("ann"), id="other", name="ANN")
    refused(AccountFault.NAME_TAKEN, lambda: store.add_user(taken, 2.0, invitation="code"))
    assert store.add_user(new("Bob"), 2.0, invitation="code").name == "Bob"


def test_an_invitation_runs_out_and_can_be_taken_back(store: AccountStore) -> None:
    invite(store, Role.PLAYER)
    assert [each.id for each in store.invitations(99.0)] == ["id of code"]
    assert store.invitations(100.0) == []
    assert store.find_invited_role("code", 100.0) is None
    refused(AccountFault.UNKNOWN, lambda: store.add_user(new("Bob"), 100.0, invitation="code"))
    store.remove_invitation("id of code")
    assert store.invitations(99.0) == []
    refused(AccountFault.UNKNOWN, lambda: store.remove_invitation("id of code"))


def test_an_owner_who_is_one_no_more_has_no_invitations_open(store: AccountStore) -> None:
    ann, bob = owner(store), guest(store, role=Role.OWNER)
    invite(store, Role.OWNER, by=bob.id)
    store.change_user(bob.id, role=Role.PLAYER)
    assert store.invitations(2.0) == []
    refused(AccountFault.UNKNOWN, lambda: invite(store, Role.OWNER, by=bob.id))
    invite(store, Role.PLAYER, by=ann.id)
    assert len(store.invitations(2.0)) == 1


def test_accounts_are_found_by_name_and_id(store: AccountStore) -> None:
    ann = owner(store)
    found = store.find_account("ann")
    assert found is not None
    assert (found.user, found.password_hash) == (ann, "hash of Ann")
    assert store.account_of("ann") == found
    assert store.find_account("Ann") is None
    assert store.account_of("bob") is None


def test_a_session_lets_in_until_it_runs_out(store: AccountStore) -> None:
    ann = owner(store)
    made = signed_in(store, ann)
    assert store.find_session("digest of s1", 99.0) == BySession(ann, made)
    assert store.find_session("digest of s1", 100.0) is None
    assert store.find_session("other", 99.0) is None
    store.touch_session("s1", 50.0, 150.0)
    assert store.find_session("digest of s1", 100.0) == BySession(
        ann, replace(made, last_seen_at=50.0, expires_at=150.0)
    )
    assert store.users()[0].last_seen_at == 50.0
    store.touch_session("gone", 50.0, 150.0)


def test_sessions_are_listed_and_ended_one_by_one(store: AccountStore) -> None:
    ann, bob = owner(store), guest(store)
    first, second = signed_in(store, ann), signed_in(store, ann, "s2", created=3.0)
    signed_in(store, ann, "s3", expires=4.0)
    signed_in(store, bob, "s4")
    assert store.sessions(ann.id, 5.0) == [second, first]
    refused(AccountFault.UNKNOWN, lambda: store.remove_session(bob.id, "s1"))
    store.remove_session(ann.id, "s1")
    assert store.find_session("digest of s1", 5.0) is None
    assert store.sessions(ann.id, 5.0) == [second]
    refused(AccountFault.UNKNOWN, lambda: store.remove_session(ann.id, "s1"))


def test_a_token_lets_in_with_its_scopes_until_it_runs_out(store: AccountStore) -> None:
    ann = owner(store)
    signed_in(store, ann)
    lasting, short = token(store, ann), token(store, ann, "t2", expires=50.0)
    assert store.find_token("digest of t1", 1e9) == ByToken(ann, lasting)
    assert store.find_token("digest of t2", 49.0) == ByToken(ann, short)
    assert store.find_token("digest of t2", 50.0) is None
    store.touch_token("t1", 60.0)
    assert sorted(store.tokens(ann.id), key=lambda each: each.id) == [replace(lasting, last_used_at=60.0), short]
    refused(AccountFault.UNKNOWN, lambda: store.remove_token("bob", "t1"))
    store.remove_token(ann.id, "t1")
    assert store.find_token("digest of t1", 60.0) is None


def test_a_session_that_has_ended_makes_no_token(store: AccountStore) -> None:
    ann = owner(store)
    signed_in(store, ann)
    store.remove_credentials(ann.id)
    refused(AccountFault.UNKNOWN, lambda: token(store, ann))
    assert store.tokens(ann.id) == []


def test_a_new_password_ends_everything_that_the_old_one_began(store: AccountStore) -> None:
    ann, bob = owner(store), guest(store)
    signed_in(store, ann)
    token(store, ann)
    signed_in(store, bob, "s2")
    refused(AccountFault.UNKNOWN, lambda: store.set_password(ann.id, "new", was="another"))
    assert store.find_session("digest of s1", 5.0)
    store.set_password(ann.id, "new", was="hash of Ann")
    assert store.find_session("digest of s1", 5.0) is None
    assert store.find_token("digest of t1", 5.0) is None
    assert store.find_session("digest of s2", 5.0)
    refused(AccountFault.UNKNOWN, lambda: signed_in(store, ann, "s3"))
    store.add_session(session(ann, "s4"), "digest of s4", password_hash="new")
    store.add_session(session(ann, "s5"), "digest of s5", password_hash="new")
    store.set_password(ann.id, "newer", keep="s5")
    assert [each.id for each in store.sessions(ann.id, 5.0)] == ["s5"]
    found = store.account_of(ann.id)
    assert found is not None
    assert found.password_hash == "newer"
    refused(AccountFault.UNKNOWN, lambda: store.set_password("nobody", "new"))


def test_a_newer_hash_replaces_only_the_one_it_was_made_from(store: AccountStore) -> None:
    ann = owner(store)
    signed_in(store, ann)
    store.rehash(ann.id, was="another", password_hash="wrong")
    store.rehash(ann.id, was="hash of Ann", password_hash="newer")
    found = store.account_of(ann.id)
    assert found is not None
    assert found.password_hash == "newer"
    assert store.find_session("digest of s1", 5.0), "the password is the same"


def test_who_is_disabled_is_out_until_they_sign_in_again(store: AccountStore) -> None:
    owner(store)
    bob = guest(store)
    signed_in(store, bob)
    token(store, bob)
    assert store.change_user(bob.id, disabled=True).user.disabled
    assert store.find_session("digest of s1", 5.0) is None
    assert store.find_token("digest of t1", 5.0) is None
    refused(AccountFault.UNKNOWN, lambda: signed_in(store, bob, "s2"))
    assert not store.change_user(bob.id, disabled=False).user.disabled
    assert store.find_session("digest of s1", 5.0) is None
    signed_in(store, bob, "s2")
    assert store.find_session("digest of s2", 5.0)


def test_a_role_can_change_and_sessions_have_the_new_one(store: AccountStore) -> None:
    owner(store)
    bob = guest(store)
    signed_in(store, bob)
    assert store.change_user(bob.id, role=Role.VIEWER) == KnownUser(replace(bob, role=Role.VIEWER), None)
    found = store.find_session("digest of s1", 5.0)
    assert found is not None
    assert found.user.role is Role.VIEWER
    refused(AccountFault.UNKNOWN, lambda: store.change_user("nobody", role=Role.VIEWER))


@pytest.mark.parametrize("way", ["demoted", "disabled", "removed"])
def test_an_owner_is_left(store: AccountStore, way: str) -> None:
    ann, bob = owner(store), guest(store, role=Role.OWNER)

    def lose(user: User) -> None:
        match way:
            case "demoted":
                store.change_user(user.id, role=Role.PLAYER)
            case "disabled":
                store.change_user(user.id, disabled=True)
            case _:
                store.remove_user(user.id)

    lose(ann)
    refused(AccountFault.LAST_OWNER, lambda: lose(bob))
    found = store.account_of(bob.id)
    assert found is not None
    assert found.user == bob


def test_who_is_removed_leaves_nothing(store: AccountStore) -> None:
    owner(store)
    bob = guest(store, role=Role.OWNER)
    signed_in(store, bob)
    token(store, bob)
    invite(store, Role.PLAYER, by=bob.id)
    store.remove_user(bob.id)
    assert [known.user.name for known in store.users()] == ["Ann"]
    assert store.find_session("digest of s1", 5.0) is None
    assert store.find_token("digest of t1", 5.0) is None
    assert store.invitations(5.0) == []
    refused(AccountFault.UNKNOWN, lambda: store.remove_user(bob.id))
    assert guest(store).name == "Bob", "the name is free again"


def test_what_still_lets_in_is_told_apart(store: AccountStore) -> None:
    ann, bob = owner(store), guest(store)
    signed_in(store, ann)
    signed_in(store, ann, "s2", expires=4.0)
    token(store, ann)
    token(store, ann, "t2", expires=4.0)
    signed_in(store, bob, "s3")
    store.change_user(bob.id, disabled=True)
    sessions, tokens = store.still_valid(["s1", "s2", "s3", "s4"], ["t1", "t2", "t3"], 5.0)
    assert (set(sessions), set(tokens)) == ({"s1"}, {"t1"})
    assert [set(each) for each in store.still_valid([], [], 5.0)] == [set(), set()]


def test_what_has_run_out_is_forgotten(store: AccountStore) -> None:
    ann = owner(store)
    signed_in(store, ann)
    signed_in(store, ann, "s2", expires=4.0)
    token(store, ann)
    token(store, ann, "t2", expires=4.0)
    invite(store, Role.PLAYER)
    store.forget_expired(4.0)
    assert [each.id for each in store.tokens(ann.id)] == ["t1"]
    assert [each.id for each in store.sessions(ann.id, 0.0)] == ["s1"]
    store.forget_expired(100.0)
    assert store.invitations(0.0) == []
    assert store.sessions(ann.id, 0.0) == []
