"""Accounts over REST: the first owner, signing in and out, sessions, tokens, passwords and invitations."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from services.account_store.account_store import AccountFault, AccountStoreError
from tests.fakes.fake_account_store import FakeAccountStore
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_password_hasher import FakePasswordHasher
from tests.people import PASSWORD, people_server
from tests.play.harness import play_server

if TYPE_CHECKING:
    import httpx

DAY_S = 24 * 3600.0
_JSON = {"Content-Type": "application/json"}


def _json(value: dict[str, str]) -> bytes:
    """Also half characters, which httpx itself would not write."""
    return json.dumps(value).encode()


def test_without_accounts_nobody_signs_in_and_everything_is_as_before() -> None:
    with play_server() as server:
        account = {"accounts": False, "setup": False, "user": None, "how": "machine", "mayEnter": True}
        assert server.http.get("/api/account").json() == account
        for method, path, body in (
            ("POST", "/api/account/sign-in", {"name": "Ann", "password": PASSWORD}),
            ("POST", "/api/account/setup", {"name": "Ann", "password": PASSWORD}),
            ("POST", "/api/account/accept", {"code": "x", "name": "Ann", "password": PASSWORD}),
            ("GET", "/api/people", None),
            ("POST", "/api/invitations", {}),
        ):
            answer = server.http.request(method, path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (409, "accountsOff"), path
        assert server.http.get("/api/account/tokens").json()["code"] == "notAPerson"
        assert server.http.post("/api/account/sign-out").status_code == 204


def test_who_has_not_signed_in_finds_the_door_and_nothing_behind_it() -> None:
    with people_server() as here:
        visitor = here.browser()
        expected = {"accounts": True, "setup": True, "user": None, "how": "anonymous", "mayEnter": False}
        assert visitor.account() == expected
        for path in ("/", "/main.js", "/health"):
            assert visitor.http.get(path).status_code == 200, path
        for method, path in (
            ("GET", "/api/models"),
            ("GET", "/api/seeds"),
            ("GET", "/api/events"),
            ("GET", "/metrics"),
            ("GET", "/openapi.json"),
            ("GET", "/api/account/sessions"),
            ("POST", "/shutdown"),
            ("DELETE", "/api/seeds/x"),
        ):
            answer = visitor.http.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (401, "signInRequired"), path
        assert visitor.http.get("/api/models").headers["www-authenticate"] == "Bearer"


def test_the_first_owner_is_made_on_this_machine_and_is_signed_in() -> None:
    with people_server() as here:
        visitor = here.browser()
        response = visitor.http.post("/api/account/setup", json={"name": " Ann ", "password": PASSWORD})
        assert response.status_code == 201
        cookie = response.headers["set-cookie"]
        assert cookie.startswith("terrarium_account_7987=")
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        assert "Secure" not in cookie
        assert response.headers["cache-control"] == "no-store"
        account = visitor.account()
        assert (account["user"]["name"], account["user"]["role"]) == ("Ann", "owner")
        assert (account["how"], account["setup"], account["mayEnter"]) == ("session", False, True)
        assert visitor.http.get("/api/sessions").status_code == 200, "an owner may do what the owner of a machine may"
        again = here.browser().http.post("/api/account/setup", json={"name": "Eve", "password": PASSWORD})
        assert (again.status_code, again.json()["code"]) == (409, "ownerExists")


def test_from_elsewhere_the_first_owner_needs_the_code_that_was_printed() -> None:
    with people_server(clock=FakeClock()) as here:
        code = here.server.handler.accounts.setup_code
        assert code is not None
        elsewhere = here.browser(**{"X-Forwarded-For": "192.0.2.7"})
        body = {"name": "Ann", "password": PASSWORD}
        for wrong in (None, "", "x" * 22, "é" * 22, code[:-1], code + "x"):
            answer = elsewhere.http.post("/api/account/setup", json={**body, "code": wrong})
            assert (answer.status_code, answer.json()["code"]) == (403, "codeInvalid"), wrong
        made = elsewhere.http.post("/api/account/setup", json={**body, "code": f" {code} "})
        assert made.status_code == 201
        assert here.server.handler.accounts.setup_code is None
        again = here.browser(**{"X-Forwarded-For": "192.0.2.7"})
        answer = again.http.post("/api/account/setup", json={"name": "Eve", "password": PASSWORD, "code": code})
        assert answer.json()["code"] == "codeInvalid", "it is good for once"


def test_guesses_at_the_code_are_throttled_and_cost_no_hash() -> None:
    with people_server(clock=FakeClock()) as here:
        elsewhere = here.browser(**{"X-Forwarded-For": "192.0.2.7"})
        body = {"name": "Ann", "password": PASSWORD, "code": "x" * 22}
        answers = [elsewhere.http.post("/api/account/setup", json=body).status_code for _ in range(25)]
        assert answers == [403] * 20 + [429] * 5
        assert here.hasher.count == 0


def test_of_ten_first_owners_at_the_same_time_one_is() -> None:
    with people_server() as here, ThreadPoolExecutor(10) as threads:
        browsers = [here.browser() for _ in range(10)]

        def try_to(number: int) -> int:
            body = {"name": f"User{number}", "password": PASSWORD}
            return browsers[number].http.post("/api/account/setup", json=body).status_code

        answers = sorted(threads.map(try_to, range(10)))
        assert answers == [201] + [409] * 9
        winner = next(each for each in browsers if each.account()["user"])
        assert len(winner.http.get("/api/people").json()["people"]) == 1


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [
        ("", PASSWORD, "accountNameInvalid"),
        ("   ", PASSWORD, "accountNameInvalid"),
        ("x" * 65, PASSWORD, "accountNameInvalid"),
        ("a\nb", PASSWORD, "accountNameInvalid"),
        ("a\u202eb", PASSWORD, "accountNameInvalid"),
        ("a\x00", PASSWORD, "accountNameInvalid"),
        ("\ud800", PASSWORD, "invalidRequest"),
        ("Ann", "x" * 9, "passwordInvalid"),
        ("Ann", "x" * 1025, "passwordInvalid"),
        ("Ann", "\ud800" * 12, "invalidRequest"),
        ("Ann", "x" * 5000, "invalidRequest"),
        ("x" * 300, PASSWORD, "invalidRequest"),
    ],
)
def test_names_and_passwords_that_will_not_do_are_told(name: str, password: str, code: str) -> None:
    with people_server() as here:
        body = _json({"name": name, "password": password})
        answer = here.browser().http.post("/api/account/setup", content=body, headers=_JSON)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert here.owner("Ann").account()["user"]["name"] == "Ann", "nothing was begun"


def test_signing_in_takes_the_right_password_and_any_case_of_the_name() -> None:
    with people_server() as here:
        here.owner("Änne")
        visitor = here.browser()
        for name, password in (
            ("Änne", "wrong password"),
            ("nobody", PASSWORD),
            ("Änne", "short"),
            ("a\nb", PASSWORD),
        ):
            content = _json({"name": name, "password": password})
            answer = visitor.http.post("/api/account/sign-in", content=content, headers=_JSON)
            assert (answer.status_code, answer.json()["code"]) == (401, "signInFailed"), name
            assert "set-cookie" not in answer.headers
        answer = visitor.sign_in("äNNE")
        assert (answer.status_code, answer.json()["user"]["name"]) == (200, "Änne")
        assert visitor.account()["how"] == "session"


def test_an_unknown_name_costs_as_much_as_a_wrong_password() -> None:
    with people_server() as here:
        here.owner()
        before = here.hasher.count
        here.browser().sign_in("nobody")
        assert here.hasher.count - before == 1
        here.browser().sign_in("Ann", "wrong password")
        assert here.hasher.count - before == 2


def test_of_a_hundred_wrong_passwords_at_once_three_are_looked_at() -> None:
    clock = FakeClock()
    with people_server(clock=clock) as here, ThreadPoolExecutor(100) as threads:
        here.owner()
        before, visitor = here.hasher.count, here.browser()

        def guess(number: int) -> httpx.Response:
            return visitor.sign_in("Ann", f"wrong number {number}")

        answers = list(threads.map(guess, range(100)))
        assert here.hasher.count - before == 3
        assert here.hasher.most <= 2
        late = [answer for answer in answers if answer.status_code == 429]
        assert len(late) == 97
        assert {answer.json()["code"] for answer in late} == {"tooManyAttempts"}
        assert {answer.headers["retry-after"] for answer in late} == {"1"}
        assert visitor.sign_in("Ann").status_code == 429, "also with the right password, which would else be told apart"
        clock.advance(1.0)
        assert visitor.sign_in("Ann").status_code == 200, "there is no lock that somebody else could shut"
        assert visitor.sign_in("Ann", "wrong password").status_code == 401, "the account begins anew"


def test_an_account_of_ones_own_gives_no_further_guesses_at_another() -> None:
    """A success takes back only its own attempt from the address."""
    clock = FakeClock()
    with people_server(clock=clock) as here:
        owner = here.owner()
        here.invited(owner, "Eve")
        guesser, tried = here.browser(), 0
        for number in range(40):
            if guesser.sign_in(f"target {number}", "wrong password").status_code == 429:
                break
            tried += 1
            guesser.sign_in("Eve")
        assert tried == 20


def test_a_session_slides_and_runs_out() -> None:
    clock = FakeClock()
    with people_server(clock=clock) as here:
        owner = here.owner()
        for _ in range(3):
            clock.advance(29 * DAY_S)
            assert owner.http.get("/api/models").status_code == 200
        clock.advance(31 * DAY_S)
        assert owner.http.get("/api/models").json()["code"] == "signInRequired"
        assert owner.account()["user"] is None
        assert owner.sign_in("Ann").status_code == 200


def test_a_clock_that_is_set_back_signs_nobody_out() -> None:
    class SetBack(FakeClock):
        back = 0.0

        def wall(self) -> float:
            return super().wall() - self.back

    clock = SetBack()
    with people_server(clock=clock) as here:
        owner = here.owner()
        clock.back = 3600.0
        assert owner.http.get("/api/models").status_code == 200
        assert owner.sign_in("Ann").status_code == 200
        listed = owner.http.get("/api/account/sessions").json()["sessions"]
        assert [each["current"] for each in listed] == [False, True], "the newest by the clock is not the newest"


def test_signing_out_ends_the_session_and_not_only_the_cookie() -> None:
    with people_server() as here:
        owner = here.owner()
        kept = owner.cookie
        response = owner.http.post("/api/account/sign-out")
        assert response.status_code == 204
        assert "Max-Age=0" in response.headers["set-cookie"]
        assert owner.account()["how"] == "anonymous"
        thief = here.browser(Cookie=kept)
        assert thief.http.get("/api/models").status_code == 401
        assert owner.http.post("/api/account/sign-out").status_code == 204


def test_sessions_are_listed_and_ended_one_by_one() -> None:
    with people_server() as here:
        first = here.owner()
        second = here.browser(**{"User-Agent": "Firefox " + "x" * 300})
        second.sign_in("Ann")
        listed = second.http.get("/api/account/sessions").json()["sessions"]
        assert sorted(each["current"] for each in listed) == [False, True]
        agent = next(each["agent"] for each in listed if each["current"])
        assert agent.startswith("Firefox")
        assert len(agent) == 200
        other = next(each for each in listed if not each["current"])
        assert second.http.delete(f"/api/account/sessions/{other['id']}").status_code == 204
        assert first.http.get("/api/models").status_code == 401
        assert second.http.get("/api/models").status_code == 200
        again = second.http.delete(f"/api/account/sessions/{other['id']}")
        assert (again.status_code, again.json()["code"]) == (404, "accountUnknown")


def test_nobody_ends_a_session_or_token_of_somebody_else() -> None:
    with people_server() as here:
        owner = here.owner()
        bob = here.invited(owner, "Bob")
        session = owner.http.get("/api/account/sessions").json()["sessions"][0]["id"]
        owner.token("read")
        token = owner.http.get("/api/account/tokens").json()["tokens"][0]["id"]
        assert bob.http.delete(f"/api/account/sessions/{session}").status_code == 404
        assert bob.http.delete(f"/api/account/tokens/{token}").status_code == 404
        assert owner.http.get("/api/models").status_code == 200


def test_signing_out_everywhere_and_a_new_password_end_the_rest() -> None:
    with people_server() as here:
        owner = here.owner()
        second = here.browser()
        second.sign_in("Ann")
        token = here.bearer(owner.token("read"))
        wrong = owner.http.post("/api/account/password", json={"old": "wrong password", "new": "another horse"})
        assert (wrong.status_code, wrong.json()["code"]) == (401, "signInFailed")
        weak = owner.http.post("/api/account/password", json={"old": PASSWORD, "new": "short"})
        assert (weak.status_code, weak.json()["code"]) == (422, "passwordInvalid")
        assert token.http.get("/api/models").status_code == second.http.get("/api/models").status_code == 200
        changed = owner.http.post("/api/account/password", json={"old": PASSWORD, "new": "another horse"})
        assert changed.status_code == 204
        assert owner.http.get("/api/models").status_code == 200, "who changes it stays"
        assert second.http.get("/api/models").status_code == 401
        assert token.http.get("/api/models").status_code == 401
        assert second.sign_in("Ann").status_code == 401
        assert second.sign_in("Ann", "another horse").status_code == 200
        assert second.http.post("/api/account/sign-out-everywhere").status_code == 204
        assert owner.http.get("/api/models").status_code == second.http.get("/api/models").status_code == 401


def test_changing_a_password_is_throttled_as_signing_in_is() -> None:
    with people_server(clock=FakeClock()) as here:
        owner = here.owner()
        body = {"old": "wrong password", "new": "another horse"}
        answers = [owner.http.post("/api/account/password", json=body).status_code for _ in range(8)]
        assert answers == [401] * 3 + [429] * 5


def test_an_outdated_hash_is_made_anew_at_the_next_sign_in() -> None:
    stores = FakeAccountStore()
    with people_server(stores=stores, hasher=FakePasswordHasher("fake1")) as here:
        here.owner()
    with people_server(stores=stores) as here:
        assert here.browser().sign_in("Ann").status_code == 200
        account = stores.find_account("ann")
        assert account is not None
        assert account.password_hash.startswith("fake2$")
        assert here.browser().sign_in("Ann").status_code == 200


def test_a_token_is_shown_once_and_may_what_its_scopes_say() -> None:
    clock = FakeClock()
    with people_server(clock=clock) as here:
        owner = here.owner()
        made = owner.http.post("/api/account/tokens", json={"name": "robot", "scopes": ["read"], "expiresDays": 1})
        token = made.json()["token"]
        assert (made.status_code, token[:5]) == (201, "terr_")
        robot = here.bearer(token)
        account = robot.account()
        assert (account["how"], account["user"]["name"]) == ("token", "Ann")
        assert robot.http.get("/api/models").status_code == 200
        for method, path in (("DELETE", "/api/seeds/x"), ("GET", "/api/people"), ("POST", "/api/worlds")):
            answer = robot.http.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (403, "scopeMissing"), path
        for method, path in (
            ("GET", "/api/account/tokens"),
            ("POST", "/api/account/tokens"),
            ("POST", "/api/account/password"),
            ("POST", "/api/account/sign-out-everywhere"),
        ):
            assert robot.http.request(method, path).json()["code"] == "scopeMissing", "no token makes another"
        listed = owner.http.get("/api/account/tokens").json()["tokens"]
        assert "token" not in listed[0]
        assert token not in str(listed)
        assert listed[0]["lastUsed"] == clock.wall()
        assert listed[0]["expires"] == clock.wall() + DAY_S
        clock.advance(DAY_S)
        assert robot.http.get("/api/models").status_code == 401


def test_a_token_that_was_revoked_is_no_token() -> None:
    with people_server() as here:
        owner = here.owner()
        robot = here.bearer(owner.token("read", "admin"))
        assert robot.http.get("/api/people").status_code == 200
        token_id = owner.http.get("/api/account/tokens").json()["tokens"][0]["id"]
        assert owner.http.delete(f"/api/account/tokens/{token_id}").status_code == 204
        assert robot.http.get("/api/people").json()["code"] == "signInRequired"
        assert owner.http.get("/api/account/tokens").json()["tokens"] == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "robot", "scopes": []}, 422, "invalidRequest"),
        ({"name": "robot", "scopes": ["account"]}, 422, "invalidRequest"),
        ({"name": "robot", "scopes": ["everything"]}, 422, "invalidRequest"),
        ({"name": "robot", "scopes": ["read"], "expiresDays": 0}, 422, "invalidRequest"),
        ({"name": "", "scopes": ["read"]}, 422, "accountNameInvalid"),
        ({"name": "robot", "scopes": ["read", "admin"]}, 403, "roleNotAllowed"),
    ],
)
def test_tokens_that_will_not_do_are_told(body: dict[str, Any], status: int, code: str) -> None:
    with people_server() as here:
        bob = here.invited(here.owner(), "Bob")
        answer = bob.http.post("/api/account/tokens", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert bob.http.get("/api/account/tokens").json()["tokens"] == []


def test_invitations_are_made_used_once_and_taken_back() -> None:
    with people_server() as here:
        owner = here.owner()
        made = owner.http.post("/api/invitations", json={"role": "viewer", "expiresHours": 2})
        assert made.status_code == 201
        code = made.json()["code"]
        listed = owner.http.get("/api/invitations").json()["invitations"]
        assert [each["role"] for each in listed] == ["viewer"]
        assert code not in str(listed)
        guest = here.browser()
        taken = guest.http.post("/api/account/accept", json={"code": code, "name": "ANN", "password": PASSWORD})
        assert (taken.status_code, taken.json()["code"]) == (409, "accountNameTaken")
        joined = guest.http.post("/api/account/accept", json={"code": code, "name": "Vic", "password": PASSWORD})
        assert (joined.status_code, joined.json()["user"]["role"]) == (201, "viewer")
        used = here.browser().http.post("/api/account/accept", json={"code": code, "name": "Eve", "password": PASSWORD})
        assert (used.status_code, used.json()["code"]) == (403, "codeInvalid")
        other = owner.http.post("/api/invitations", json={}).json()
        assert other["role"] == "player"
        assert owner.http.delete(f"/api/invitations/{other['id']}").status_code == 204
        assert owner.http.delete(f"/api/invitations/{other['id']}").status_code == 404
        assert owner.http.get("/api/invitations").json()["invitations"] == []


def test_a_code_that_is_unknown_costs_no_hash_and_is_throttled() -> None:
    with people_server(clock=FakeClock()) as here:
        here.owner()
        before, visitor = here.hasher.count, here.browser()
        body = {"code": "x" * 43, "name": "Eve", "password": PASSWORD}
        answers = [visitor.http.post("/api/account/accept", json=body).status_code for _ in range(25)]
        assert answers == [403] * 20 + [429] * 5
        assert here.hasher.count == before


def test_roles_are_told_apart_and_an_owner_is_left() -> None:
    with people_server() as here:
        owner = here.owner()
        bob, vic = here.invited(owner, "Bob"), here.invited(owner, "Vic", "viewer")
        for guest in (bob, vic):
            assert guest.http.get("/api/seeds").status_code == 200
            assert guest.http.get("/api/people").json()["code"] == "roleNotAllowed"
            assert guest.http.post("/shutdown").json()["code"] == "roleNotAllowed"
        assert vic.http.post("/api/worlds", content=b"x").json()["code"] == "roleNotAllowed"
        assert bob.http.post("/api/worlds", content=b"x").json()["code"] != "roleNotAllowed"
        own = here.id_of(owner, "Ann")
        for answer in (
            owner.http.patch(f"/api/people/{own}", json={"role": "player"}),
            owner.http.patch(f"/api/people/{own}", json={"disabled": True}),
            owner.http.delete(f"/api/people/{own}"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (409, "lastOwner")
        promoted = owner.http.patch(f"/api/people/{here.id_of(owner, 'Bob')}", json={"role": "owner"})
        assert (promoted.status_code, promoted.json()["role"]) == (200, "owner")
        assert bob.http.delete(f"/api/people/{own}").status_code == 204
        assert owner.http.get("/api/models").status_code == 401
        assert [each["name"] for each in bob.http.get("/api/people").json()["people"]] == ["Bob", "Vic"]
        assert bob.http.patch("/api/people/nobody", json={"disabled": True}).status_code == 404


def test_who_is_disabled_is_out_and_cannot_come_in() -> None:
    with people_server() as here:
        owner = here.owner()
        bob = here.invited(owner, "Bob")
        path = f"/api/people/{here.id_of(owner, 'Bob')}"
        assert owner.http.patch(path, json={"disabled": True}).json()["disabled"]
        assert bob.http.get("/api/models").status_code == 401
        assert bob.sign_in("Bob").json()["code"] == "signInFailed"
        assert not owner.http.patch(path, json={"disabled": False}).json()["disabled"]
        assert bob.sign_in("Bob").status_code == 200


def test_the_servers_token_is_the_key_of_the_machine_beside_accounts() -> None:
    token = "x" * 20
    with people_server(token=token) as here:
        machine = here.bearer(token)
        expected = {"accounts": True, "setup": True, "user": None, "how": "machine", "mayEnter": True}
        assert machine.account() == expected
        assert machine.http.get("/api/people").json() == {"people": []}
        code = machine.http.post("/api/invitations", json={"role": "owner"}).json()["code"]
        guest = here.browser()
        body = {"code": code, "name": "Bob", "password": PASSWORD}
        assert guest.http.post("/api/account/accept", json=body).json()["user"]["role"] == "owner"
        assert here.browser().http.get("/api/models").status_code == 401, "loopback alone is not the owner"
        assert machine.http.get("/api/account/sessions").json()["code"] == "notAPerson"
        page = here.browser()
        page.http.get("/", params={"token": token})
        assert page.account()["how"] == "machine"
        page.sign_in("Bob")
        assert page.account()["how"] == "session", "who has signed in is that person"
        page.http.post("/api/account/sign-out")
        assert page.account()["how"] == "machine"


def test_anonymous_visitors_may_play_beside_people_where_the_owner_says_so() -> None:
    with people_server(allow_anonymous=True) as here:
        here.owner()
        visitor = here.browser()
        account = visitor.account()
        assert (account["how"], account["mayEnter"]) == ("anonymous", True)
        assert visitor.http.get("/api/models").status_code == 200
        assert visitor.http.post("/api/worlds", content=b"x").json()["code"] == "anonymousNotAllowed"
        assert visitor.http.get("/api/people").json()["code"] == "localOnly"
        visitor.http.headers["Authorization"] = "Bearer terr_unknown"
        assert visitor.http.get("/api/models").status_code == 401, "whoever offers a token is told that it is wrong"


def test_other_sites_get_the_page_alone() -> None:
    with people_server() as here:
        owner = here.owner()
        owner.http.headers["Sec-Fetch-Site"] = "cross-site"
        assert owner.http.get("/").status_code == 200
        for method, path in (("GET", "/api/seeds"), ("POST", "/api/account/sign-out"), ("GET", "/api/events")):
            answer = owner.http.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (403, "originForbidden"), path
        owner.http.headers["Origin"] = "https://evil.example"
        assert owner.http.post("/api/account/sign-out").status_code == 403
        owner.http.headers.pop("Origin")
        owner.http.headers["Sec-Fetch-Site"] = "same-origin"
        assert owner.http.get("/api/seeds").status_code == 200


def test_a_database_that_fails_is_told_and_lets_nobody_in() -> None:
    stores = FakeAccountStore()
    with people_server(stores=stores) as here:
        owner = here.owner()
        stores.fail = AccountStoreError(AccountFault.UNAVAILABLE, "The database cannot be used.")
        for path in ("/api/models", "/api/account/sessions"):
            answer = owner.http.get(path)
            assert (answer.status_code, answer.json()["code"]) == (503, "accountsUnavailable")
        assert owner.http.get("/").status_code == owner.http.get("/health").status_code == 200
        assert owner.sign_in("Ann").status_code == 503
        stores.fail = None
        assert owner.http.get("/api/models").status_code == 200


def test_a_database_that_fails_at_the_start_leaves_the_machines_token_working() -> None:
    stores, token = FakeAccountStore(), "x" * 20
    stores.fail = AccountStoreError(AccountFault.UNAVAILABLE, "The database cannot be used.")
    with people_server(stores=stores, token=token) as here:
        assert here.bearer(token).http.get("/api/models").status_code == 200
        assert here.browser().http.get("/api/models").status_code == 401
        stores.fail = None
        assert here.owner().account()["user"]["role"] == "owner"
