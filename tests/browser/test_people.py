"""People through the page: the first owner, invitations, signing in and out, revocation in the middle, own tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.browser.accessibility import DESK, PHONE, faults_of, go_round
from tests.browser.conftest import show_log_of
from tests.browser.server_process import ServerProcess
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Generator

    from playwright.sync_api import Browser, Locator

    from tests.browser.conftest import Invite, StartServer
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.trial, pytest.mark.browser, pytest.mark.xdist_group("browser")]

_FOCUSED: Final = "document.activeElement?.id || document.activeElement?.dataset.testid"
_PASSWORD: Final = "a long enough password"
_OTHER_PASSWORD: Final = "another long password"


class House:
    """A server with accounts and its owner, Anna. Others come in by REST, so that tests begin with what they test."""

    def __init__(self, server: ServerProcess) -> None:
        self.url = server.url
        self._owner = httpx.Client(base_url=server.url, timeout=deadline_s())
        self._owner.post("/api/account/setup", json={"name": "Anna", "password": _PASSWORD}).raise_for_status()

    def close(self) -> None:
        self._owner.close()

    def let_in(self, name: str, role: str = "player") -> None:
        code = self._owner.post("/api/invitations", json={"role": role}).raise_for_status().json()["code"]
        accepted = {"code": code, "name": name, "password": _PASSWORD}
        httpx.post(f"{self.url}/api/account/accept", json=accepted, timeout=deadline_s()).raise_for_status()

    def signed_in(self, invite: Invite, name: str, **context: Any) -> Visitor:
        """In the gallery, in a browser of their own."""
        with httpx.Client(base_url=self.url, timeout=deadline_s()) as client:
            client.post("/api/account/sign-in", json={"name": name, "password": _PASSWORD}).raise_for_status()
            cookies = [{"name": key, "value": value, "url": self.url} for key, value in client.cookies.items()]
        return invite(self.url, storage_state={"cookies": cookies, "origins": []}, **context)


@pytest.fixture(name="house_server", scope="module")
def fixture_house_server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Generator[ServerProcess]:
    del browser  # without one the server is not needed
    server = ServerProcess(tmp_path_factory.mktemp("house"), {"TERRARIUM_ACCOUNTS": "yes"})
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(name="settled_house", scope="module")
def fixture_settled_house(house_server: ServerProcess) -> Generator[House]:
    house = House(house_server)
    yield house
    house.close()


@pytest.fixture(name="house")
def fixture_house(request: pytest.FixtureRequest, settled_house: House, house_server: ServerProcess) -> House:
    show_log_of(house_server, request)
    return settled_house


def _fill_in(visitor: Visitor, name: str, password: str = _PASSWORD) -> None:
    visitor.by_id("entrance-name").fill(name)
    visitor.by_id("entrance-password").fill(password)
    visitor.page.keyboard.press("Enter")


def _come_in(visitor: Visitor, name: str, password: str = _PASSWORD) -> None:
    _fill_in(visitor, name, password)
    visitor.by_id("entrance").wait_for(state="hidden")
    visitor.by_id("seed-card").first.wait_for()


def _open(visitor: Visitor, name: str) -> None:
    visitor.by_id(f"{name}-button").wait_for()  # the page has learnt who this is
    visitor.by_id(f"{name}-button").press("Enter")
    visitor.by_id(name).wait_for()


def _person(visitor: Visitor, name: str) -> Locator:
    return visitor.by_id("person").filter(has_text=name)


def _press_twice(button: Locator) -> None:
    """What cannot be undone asks once."""
    button.press("Enter")
    button.press("Enter")


def _link_for_a(visitor: Visitor, role: str) -> str:
    """Made by the owner, in the view of people, which stays open."""
    _open(visitor, "people")
    visitor.by_id("invitation-role").select_option(role)
    visitor.by_id("invitation-submit").click()
    secret = visitor.by_id("people").get_by_test_id("secret-value")
    secret.wait_for()
    return secret.input_value()


def _wait_for_entrance(visitor: Visitor) -> None:
    visitor.by_id("entrance-title").get_by_text("Sign in").wait_for()
    visitor.excuse("401")


# -------------------------------------------------------------------------------------------------------- coming in


def test_without_accounts_none_of_it_shows(visitor: Visitor) -> None:
    for test_id in ("people-button", "account-button", "sign-in-button", "entrance", "menu-account-button"):
        assert visitor.by_id(test_id).is_hidden(), test_id
    assert visitor.by_id("server-settings-button").is_visible()


def test_the_first_visitor_becomes_the_owner_by_keyboard(start_server: StartServer, invite: Invite) -> None:
    visitor = invite(start_server(TERRARIUM_ACCOUNTS="yes").url)
    assert visitor.by_id("entrance-title").inner_text() == "Become the owner"
    assert visitor.by_id("seed-card").count() == 0, "pictures are shown before anybody has signed in"
    assert visitor.page.evaluate(_FOCUSED) == "entrance-code"
    visitor.page.keyboard.press("Escape")
    assert visitor.by_id("entrance").is_visible()
    visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.type("Anna")
    visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.type("short")
    visitor.page.keyboard.press("Enter")
    visitor.by_id("entrance-notice").get_by_text("characters").wait_for()
    visitor.excuse("422")
    visitor.page.keyboard.type(_PASSWORD)
    visitor.page.keyboard.press("Enter")
    visitor.by_id("seed-card").first.wait_for()
    assert "Anna" in visitor.by_id("account-button").inner_text()
    assert visitor.by_id("people-button").is_visible()
    visitor.page.reload()
    visitor.by_id("seed-card").first.wait_for()
    visitor.enter()


def test_a_guest_joins_by_a_link_that_works_once(house: House, invite: Invite) -> None:
    owner = house.signed_in(invite, "Anna")
    link = _link_for_a(owner, "player")
    guest = invite(link)
    assert guest.by_id("entrance-title").inner_text() == "You are invited"
    _come_in(guest, "Bert")
    assert "invite" not in guest.page.url
    for test_id in ("people-button", "server-settings-button"):
        assert guest.by_id(test_id).is_hidden(), test_id
    stranger = invite(link)
    _fill_in(stranger, "Bertha")
    stranger.by_id("entrance-notice").get_by_text("invitation").wait_for()
    stranger.complaints.clear()
    stranger.by_id("entrance-later").click()
    assert stranger.by_id("entrance-title").inner_text() == "Sign in"
    owner.page.keyboard.press("Escape")
    _open(owner, "people")
    _person(owner, "Bert").wait_for()


def test_a_wrong_password_is_told_and_costs_nothing_else(house: House, invite: Invite) -> None:
    house.let_in("Cora")
    visitor = house.signed_in(invite, "Cora")
    _open(visitor, "account")
    visitor.by_id("sign-out").click()
    _wait_for_entrance(visitor)
    assert visitor.by_id("seed-card").count() == 0, "what somebody saw stays in the page when they are gone"
    _fill_in(visitor, "Cora", "not her password")
    visitor.by_id("entrance-notice").get_by_text(visitor.text_of("signInFailed")).wait_for()
    visitor.excuse("401")
    assert visitor.by_id("entrance-name").input_value() == "Cora"
    assert visitor.page.evaluate(_FOCUSED) == "entrance-password"
    _come_in(visitor, "Cora")


def test_the_page_that_asks_for_the_token_takes_it(start_server: StartServer, invite: Invite) -> None:
    token = "the-token-of-this-server"
    server = start_server(TERRARIUM_TOKEN=token)
    visitor = invite(server.url, viewport=PHONE)
    assert faults_of(visitor.page) == []
    visitor.page.get_by_label("Token").fill("another one")
    visitor.page.keyboard.press("Enter")
    visitor.page.get_by_role("alert").get_by_text("That is not the token").wait_for()
    assert faults_of(visitor.page) == []
    visitor.page.get_by_label("Token").fill(token)
    visitor.page.keyboard.press("Enter")
    visitor.by_id("seed-card").first.wait_for()
    visitor.excuse("401")
    assert "token" not in visitor.page.url


# ------------------------------------------------------------------------------------------------- in the middle


def test_who_is_shut_out_in_play_comes_back_to_their_world(house: House, invite: Invite) -> None:
    house.let_in("Dora")
    owner, guest = house.signed_in(invite, "Anna"), house.signed_in(invite, "Dora")
    guest.enter()
    guest.walk(8)
    _open(owner, "people")
    _person(owner, "Dora").get_by_test_id("person-disable").press("Enter")
    _person(owner, "Dora").get_by_text("cannot sign in").wait_for()
    _wait_for_entrance(guest)
    _fill_in(guest, "Dora")
    guest.by_id("entrance-notice").get_by_text(guest.text_of("signInFailed")).wait_for()
    guest.page.keyboard.press("Escape")
    assert guest.by_id("entrance").is_visible(), "Escape leads past the entrance"
    _person(owner, "Dora").get_by_test_id("person-disable").press("Enter")
    _person(owner, "Dora").get_by_text("cannot sign in").wait_for(state="hidden")
    _fill_in(guest, "Dora")
    guest.wait_for("playing")
    guest.walk(8)
    guest.excuse("401")


def test_who_has_to_sign_in_while_browsing_finds_the_view_as_it_was(house: House, invite: Invite) -> None:
    visitor = house.signed_in(invite, "Anna")
    _open(visitor, "server-settings")
    visitor.by_id("server-setting").first.wait_for()
    visitor.page.locator("#setting-jpeg_quality-field").fill("66")
    visitor.page.context.clear_cookies()
    visitor.by_id("server-settings-save").click()
    _wait_for_entrance(visitor)
    _fill_in(visitor, "Anna")
    visitor.by_id("entrance").wait_for(state="hidden")
    visitor.excuse("401")
    assert visitor.page.evaluate(_FOCUSED) == "server-settings-save"
    assert visitor.page.locator("#setting-jpeg_quality-field").input_value() == "66"
    visitor.page.keyboard.press("Enter")
    visitor.by_id("server-settings-status").get_by_text("Saved", exact=True).wait_for()


def test_somebody_else_who_signs_in_finds_nothing_of_the_one_before(house: House, invite: Invite) -> None:
    house.let_in("Elsa")
    guest = house.signed_in(invite, "Elsa")
    _open(guest, "account")
    guest.by_id("token-name").fill("half typed")
    guest.page.context.clear_cookies()
    guest.by_id("token-submit").click()
    _wait_for_entrance(guest)
    _fill_in(guest, "Anna")
    guest.by_id("people-button").wait_for()
    assert guest.by_id("account").is_hidden()
    guest.excuse("401")


# ----------------------------------------------------------------------------------------------------- the account


def test_sessions_are_listed_and_ended(house: House, invite: Invite) -> None:
    house.let_in("Finn")
    here, there = house.signed_in(invite, "Finn"), house.signed_in(invite, "Finn")
    _open(here, "account")
    own = here.by_id("account-session").filter(has_text="this browser")
    own.wait_for()
    assert own.get_by_test_id("session-end").count() == 0
    # Accepting the invitation has made a session as well.
    for left in range(here.by_id("session-end").count(), 0, -1):
        here.by_id("session-end").first.press("Enter")
        here.by_id("session-end").nth(left - 1).wait_for(state="detached")
        assert here.page.evaluate("document.getElementById('account').contains(document.activeElement)")
    there.by_id("worlds-button").click()
    _wait_for_entrance(there)


def test_signing_out_everywhere_takes_a_second_press(house: House, invite: Invite) -> None:
    house.let_in("Gerd")
    visitor = house.signed_in(invite, "Gerd")
    _open(visitor, "account")
    everywhere = visitor.by_id("sign-out-everywhere")
    everywhere.press("Enter")
    assert everywhere.inner_text() == "Sign out everywhere, here too"
    everywhere.press("Enter")
    _wait_for_entrance(visitor)


def test_a_token_is_shown_once_works_and_is_revoked(house: House, invite: Invite) -> None:
    house.let_in("Hans")
    visitor = house.signed_in(invite, "Hans")
    _open(visitor, "account")
    assert visitor.by_id("scope-admin").count() == 0, "somebody is offered what their role cannot do"
    visitor.by_id("token-name").fill("my robot")
    visitor.by_id("scope-play").uncheck()
    visitor.by_id("token-submit").press("Enter")
    secret = visitor.by_id("account").get_by_test_id("secret-value")
    secret.wait_for()
    token = secret.input_value()
    assert token.startswith("terr_")
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{house.url}/api/seeds", headers=headers).status_code == 200
    visitor.by_id("account-close").click()
    _open(visitor, "account")
    row = visitor.by_id("account-token").filter(has_text="my robot")
    row.get_by_text("May read;").wait_for()
    assert secret.is_hidden()
    assert secret.input_value() == ""
    _press_twice(row.get_by_test_id("token-revoke"))
    row.wait_for(state="detached")
    assert visitor.page.evaluate(_FOCUSED) == "token-name"
    assert httpx.get(f"{house.url}/api/seeds", headers=headers).status_code == 401


def test_the_password_is_changed_by_who_knows_the_old_one(house: House, invite: Invite) -> None:
    house.let_in("Ines")
    visitor = house.signed_in(invite, "Ines")
    _open(visitor, "account")

    def change(present: str) -> None:
        visitor.by_id("password-present").fill(present)
        visitor.by_id("password-next").fill(_OTHER_PASSWORD)
        visitor.page.keyboard.press("Enter")

    change("not the old one")
    visitor.by_id("account-notice").get_by_text("The old password is wrong").wait_for()
    visitor.excuse("401")
    assert visitor.by_id("entrance").is_hidden(), "a wrong old password was taken for an ended session"
    change(_PASSWORD)
    visitor.by_id("account-status").get_by_text("is changed").wait_for()
    assert visitor.by_id("password-present").input_value() == ""
    visitor.by_id("sign-out").click()
    _wait_for_entrance(visitor)
    _come_in(visitor, "Ines", _OTHER_PASSWORD)


# ---------------------------------------------------------------------------------------------------------- people


def test_an_owner_sees_to_people_and_invitations(house: House, invite: Invite) -> None:
    house.let_in("Jan")
    owner, guest = house.signed_in(invite, "Anna"), house.signed_in(invite, "Jan")
    _link_for_a(owner, "viewer")
    own = _person(owner, "Anna")
    own.get_by_text("This is you").wait_for()
    assert own.get_by_role("button").count() == 0, "an owner can shut themselves out"
    role = _person(owner, "Jan").get_by_test_id("person-role")
    with owner.page.expect_response(lambda response: response.request.method == "PATCH"):
        role.select_option("owner")
    guest.page.reload()
    guest.by_id("people-button").wait_for()
    guest.excuse("401")

    count = owner.by_id("invitation").count()
    for left in range(count, 0, -1):
        _press_twice(owner.by_id("invitation-withdraw").first)
        owner.by_id("invitation").nth(left - 1).wait_for(state="detached")
    assert owner.page.evaluate(_FOCUSED) == "invitation-submit"
    _press_twice(_person(owner, "Jan").get_by_test_id("person-delete"))
    _person(owner, "Jan").wait_for(state="detached")
    assert owner.page.evaluate("document.getElementById('people').contains(document.activeElement)")
    guest.by_id("worlds-button").click()
    _wait_for_entrance(guest)


# ------------------------------------------------------------------------------------------------------- everybody


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_views_are_fit_for_everybody(house: House, invite: Invite, size: dict[str, Any]) -> None:
    stranger = invite(house.url, viewport=size)
    assert faults_of(stranger.page) == []
    assert {"entrance-name", "entrance-password", "entrance-submit"} <= set(go_round(stranger.page))
    stranger.page.context.close()
    house.let_in(f"Kim {size['width']}")
    visitor = house.signed_in(invite, "Anna", viewport=size)
    assert faults_of(visitor.page) == []
    _link_for_a(visitor, "viewer")
    visitor.by_id("invitation").first.wait_for()
    assert faults_of(visitor.page) == []
    names = go_round(visitor.page)
    assert {"people-close", "person-role", "invitation-submit", "secret-copy", "invitation-withdraw"} <= set(names)
    visitor.page.keyboard.press("Escape")
    assert visitor.page.evaluate(_FOCUSED) == "people-button"
    _open(visitor, "account")
    visitor.by_id("token-name").fill(f"robot {size['width']}")
    visitor.page.keyboard.press("Enter")
    visitor.by_id("account-token").first.wait_for()
    assert faults_of(visitor.page) == []
    names = go_round(visitor.page)
    assert {"account-close", "sign-out", "password-submit", "token-submit", "secret-copy"} <= set(names)
    visitor.page.keyboard.press("Escape")
    assert visitor.page.evaluate(_FOCUSED) == "account-button"
