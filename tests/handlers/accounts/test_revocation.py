"""Whoever loses a right loses what is open with it: sockets and event streams are cut off within a second."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import InvalidStatus

from handlers.accounts.connections import OfUser, OpenConnections
from sign_in import OfSession, OfToken
from tests.fakes.fake_account_store import FakeAccountStore
from tests.people import PASSWORD, people_server
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.account_store.account_store import BySession
    from tests.people import Browser, PeopleServer


def change_password(_: PeopleServer, __: Browser, other: Browser) -> None:
    assert other.http.post("/api/account/password", json={"old": PASSWORD, "new": "another horse"}).is_success


def sign_out_everywhere(_: PeopleServer, __: Browser, other: Browser) -> None:
    assert other.http.post("/api/account/sign-out-everywhere").is_success


def end_session(_: PeopleServer, __: Browser, other: Browser) -> None:
    listed = other.http.get("/api/account/sessions").json()["sessions"]
    session = next(each["id"] for each in listed if not each["current"])
    assert other.http.delete(f"/api/account/sessions/{session}").is_success


def disable(here: PeopleServer, owner: Browser, _: Browser) -> None:
    assert owner.http.patch(f"/api/people/{here.id_of(owner, 'Bob')}", json={"disabled": True}).is_success


def make_viewer(here: PeopleServer, owner: Browser, _: Browser) -> None:
    assert owner.http.patch(f"/api/people/{here.id_of(owner, 'Bob')}", json={"role": "viewer"}).is_success


def remove(here: PeopleServer, owner: Browser, _: Browser) -> None:
    assert owner.http.delete(f"/api/people/{here.id_of(owner, 'Bob')}").is_success


WAYS = (change_password, sign_out_everywhere, end_session, disable, make_viewer, remove)


@pytest.mark.parametrize("revoke", WAYS, ids=lambda way: way.__name__)
def test_a_socket_is_shut_when_its_person_loses_what_they_came_with(
    revoke: Callable[[PeopleServer, Browser, Browser], None],
) -> None:
    with people_server() as here:
        owner = here.owner()
        bob, other = here.invited(owner, "Bob"), here.browser()
        other.sign_in("Bob")
        with bob.play() as client, owner.play() as untouched:
            client.start()
            untouched.start()
            revoke(here, owner, other)
            error = client.of_type("error")
            assert error["code"] == "signInRequired"
            assert client.closed() == (1008, "signInRequired")
            assert untouched.hold("W")
        owner.http.post("/api/account/sign-out")


@pytest.mark.parametrize("revoke", WAYS, ids=lambda way: way.__name__)
def test_an_event_stream_ends_when_its_person_loses_what_they_came_with(
    revoke: Callable[[PeopleServer, Browser, Browser], None],
) -> None:
    with people_server() as here:
        owner = here.owner()
        bob, other = here.invited(owner, "Bob"), here.browser()
        other.sign_in("Bob")
        with bob.http.stream("GET", "/api/events", timeout=deadline_s()) as response:
            assert response.status_code == 200
            revoke(here, owner, other)
            lines = list(response.iter_lines())
        assert [line for line in lines if line.startswith("event:")] == ["event: end"]
        assert json.loads(next(line for line in lines if line.startswith("data:"))[6:]) == {"reason": "revoked"}


def test_a_token_that_is_revoked_is_shut_out_also_on_its_open_socket() -> None:
    with people_server() as here:
        owner = here.owner()
        token = owner.token("play", "read")
        token_id = owner.http.get("/api/account/tokens").json()["tokens"][0]["id"]
        with here.server.client(extended=True, token=token) as client:
            client.start()
            assert owner.http.delete(f"/api/account/tokens/{token_id}").is_success
            assert client.of_type("error")["code"] == "signInRequired"
            assert client.closed() == (1008, "signInRequired")
        with pytest.raises(InvalidStatus) as refused, here.server.client(token=token):
            pass
        assert refused.value.response.status_code == 401


def test_a_socket_needs_somebody_who_may_play() -> None:
    with people_server() as here:
        owner = here.owner()
        for token, status in ((owner.token("read"), 403), ("terr_unknown", 401)):
            with pytest.raises(InvalidStatus) as refused, here.server.client(token=token):
                pass
            assert refused.value.response.status_code == status
        viewer = here.invited(owner, "Vic", "viewer")
        with pytest.raises(InvalidStatus) as refused, viewer.play():
            pass
        assert refused.value.response.status_code == 403


def test_a_token_may_ask_for_what_its_scopes_say_also_in_a_session() -> None:
    with people_server() as here:
        owner = here.owner()
        with here.server.client(extended=True, token=owner.token("play")) as client:
            client.start()
            refused = client.reply(client.request("generate_scene", prompt="a bay"))
            assert (refused["success"], refused["code"]) == (False, "scopeMissing")
            assert client.hold("W")


def test_a_page_where_nobody_has_signed_in_is_told_on_its_socket() -> None:
    """A browser shows a page nothing of an answer to a handshake."""
    with people_server() as here:
        for extended in (True, False):
            with here.server.client(extended=extended) as client:
                assert client.of_type("error")["code"] == "signInRequired"
                assert client.closed() == (1000, "signInRequired")
        assert here.owner().http.get("/api/sessions").json()["sessions"] == []


class SlowToRead(FakeAccountStore):
    """Reading a session waits, after the row was read, until `go_on` is set; `has_read` tells that it waits."""

    def __init__(self) -> None:
        super().__init__()
        self.is_slow = False
        self.has_read = threading.Event()
        self.go_on = threading.Event()

    def find_session(self, digest: str, at: float) -> BySession | None:
        found = super().find_session(digest, at)
        if self.is_slow:
            self.is_slow = False
            self.has_read.set()
            self.go_on.wait(deadline_s())
        return found


def test_what_is_revoked_while_its_row_is_read_lets_nobody_in() -> None:
    stores = SlowToRead()
    with people_server(stores=stores) as here:
        owner = here.owner()
        bob = here.invited(owner, "Bob")
        user_id = here.id_of(owner, "Bob")
        answers: list[int] = []
        stores.is_slow = True
        asking = threading.Thread(target=lambda: answers.append(bob.http.get("/api/models").status_code))
        asking.start()
        assert stores.has_read.wait(deadline_s())
        owner.http.patch(f"/api/people/{user_id}", json={"disabled": True})
        stores.go_on.set()
        asking.join()
        assert answers == [401]


def test_what_another_process_ends_is_found_by_looking_again() -> None:
    """Such as `account reset` on the machine, while the server runs."""
    stores = FakeAccountStore()
    with people_server(stores=stores) as here:
        owner = here.owner()
        with owner.play() as client:
            client.start()
            here.server.run(here.server.handler.identity.look_again())
            assert client.hold("W")
            stores.remove_credentials(here.id_of(owner, "Ann"))
            here.server.run(here.server.handler.identity.look_again())
            assert client.closed() == (1008, "signInRequired")


def test_connections_are_told_once_and_only_those_that_are_meant() -> None:
    connections, told = OpenConnections(), list[str]()
    with (
        connections.entered("ann", OfSession("s1")) as first,
        connections.entered("ann", OfSession("s2")) as second,
        connections.entered("ann", OfToken("s1")) as token,
        connections.entered("bob", OfSession("s3")) as other,
    ):
        for name, each in (("first", first), ("second", second), ("token", token), ("other", other)):
            each.on_revoked(lambda name=name: told.append(name))
        connections.revoke(OfUser("ann", but=OfSession("s2")))
        assert told == ["first", "token"]
        connections.revoke(OfSession("s2"))
        connections.revoke(OfSession("s2"))
        assert told == ["first", "token", "second"]
        second.on_revoked(lambda: told.append("late"))
        assert told[-1] == "late"
        assert connections.credentials() == {OfSession("s1"), OfSession("s2"), OfToken("s1"), OfSession("s3")}
    assert connections.credentials() == set()
    assert connections.revocations == 3
