from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest

from access_rules import Anonymous, Owner, Person, Visitor
from error_types import ErrorCode
from network._access_policy import (
    AccessPolicy,
    AccessRequest,
    Allowed,
    Decision,
    LoggedIn,
    Reader,
    Refused,
    Unidentified,
)
from runtime_config.anonymous_config import AnonymousAction, AnonymousConfig
from runtime_config.current import Current
from runtime_config.runtime_config import AccessConfig
from services.account_store.account import Role, Scope
from sign_in import SessionSecret, TokenSecret

TOKEN = "correct+horse/battery.staple"
LOCAL = AccessConfig()
GUARDED = AccessConfig(host="0.0.0.0", token=TOKEN)
OPEN = AccessConfig(host="0.0.0.0", allow_anonymous=True)
BOTH = AccessConfig(host="0.0.0.0", token=TOKEN, allow_anonymous=True)
ALLOWED = Allowed(Owner())


def decide(
    access: AccessConfig,
    *headers: tuple[str, str],
    host: str | None = "127.0.0.1:7987",
    method: str = "GET",
    path: str = "/api/models",
    query: str = "",
    scheme: str = "http",
    server: str | None = "127.0.0.1",
    client: str | None = "127.0.0.1",
) -> Decision:
    own = () if host is None else (("host", host),)
    return AccessPolicy(Current.fixed(access)).decide(
        AccessRequest(
            method=method,
            path=path,
            query=query,
            scheme=scheme,
            headers=own + headers,
            server_host=server,
            client_host=client,
        )
    )


def code_of(decision: Decision) -> ErrorCode | None:
    return decision.code if isinstance(decision, Refused) else None


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:7987", "127.8.9.10:1", "localhost", "LOCALHOST:9999", "[::1]", "[::1]:80", "[0:0:0:0::1]"],
)
def test_loopback_names_are_ours(host: str) -> None:
    assert decide(LOCAL, host=host) == ALLOWED


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:7987",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "0.0.0.0:7987",
        "[::]:7987",
        "2130706433",
        "192.168.1.5:7987",
        "[::2]",
    ],
)
def test_other_names_are_refused(host: str) -> None:
    decision = decide(LOCAL, host=host)
    assert code_of(decision) == ErrorCode.HOST_FORBIDDEN
    assert isinstance(decision, Refused)
    assert decision.status == 403


@pytest.mark.parametrize(
    "host", [None, "", "a b", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999", "[::1", "a@127.0.0.1", "127.0.0.1/x", "é"]
)
def test_a_missing_or_malformed_host_is_refused(host: str | None) -> None:
    decision = decide(LOCAL, host=host)
    assert isinstance(decision, Refused)
    assert (decision.status, decision.code) == (400, ErrorCode.HOST_INVALID)


def test_two_hosts_are_refused() -> None:
    assert code_of(decide(LOCAL, ("host", "127.0.0.1:7987"))) == ErrorCode.HOST_INVALID


@pytest.mark.parametrize(
    ("access", "host", "server", "allowed"),
    [
        # The address that a connection came in on.
        (OPEN, "192.168.1.5:7987", "192.168.1.5", True),
        (OPEN, "192.168.1.5:7987", "::ffff:192.168.1.5", True),
        (OPEN, "[fe80::1]:7987", "fe80::1%eth0", True),
        (OPEN, "192.168.1.6:7987", "192.168.1.5", False),
        (OPEN, "0.0.0.0:7987", "127.0.0.1", False),
        (OPEN, "rebound.example:7987", "192.168.1.5", False),
        # The bound address.
        (AccessConfig(host="box.lan", allow_anonymous=True), "BOX.lan:7987", "192.168.1.5", True),
        (AccessConfig(host="box.lan", allow_anonymous=True), "other.lan:7987", "192.168.1.5", False),
        # An allowed origin's host.
        (AccessConfig(allowed_origins=("https://play.example",)), "play.example", "127.0.0.1", True),
        (AccessConfig(allowed_origins=("file://", "null")), "null", "127.0.0.1", False),
    ],
)
def test_which_other_hosts_are_ours(access: AccessConfig, host: str, server: str, *, allowed: bool) -> None:
    assert (code_of(decide(access, host=host, server=server)) is None) == allowed


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://127.0.0.1:7987", True),
        ("HTTP://127.0.0.1:7987", True),
        ("file://", True),
        ("http://127.0.0.1:7988", False),
        ("http://127.0.0.1", False),
        ("https://127.0.0.1:7987", False),
        ("http://localhost:7987", False),
        ("http://evil.example", False),
        ("null", False),
        ("", False),
        ("http://127.0.0.1:7987/", False),
        ("http://127.0.0.1:7987.evil.example", False),
        ("file://evil", False),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_origins_by_default(origin: str, scheme: str, *, allowed: bool) -> None:
    code = code_of(decide(LOCAL, ("origin", origin), scheme=scheme))
    assert code == (None if allowed else ErrorCode.ORIGIN_FORBIDDEN)


@pytest.mark.parametrize(
    ("listed", "origin", "allowed"),
    [
        ("null", "null", True),
        ("http://localhost:5173", "http://localhost:5173", True),
        ("http://localhost:5173", "http://localhost:5174", False),
        ("https://Play.Example:443", "https://play.example", True),
        ("https://play.example", "https://play.example:443", True),
        ("https://play.example", "http://play.example", False),
        ("http://[0::1]:80", "http://[::1]", True),
    ],
)
def test_listed_origins(listed: str, origin: str, *, allowed: bool) -> None:
    access = AccessConfig(allowed_origins=(listed,))
    assert (decide(access, ("origin", origin)) == ALLOWED) == allowed


def test_a_default_port_is_the_same_origin() -> None:
    assert decide(LOCAL, ("origin", "http://localhost"), host="localhost:80") == ALLOWED
    assert decide(LOCAL, ("origin", "https://localhost:443"), host="localhost", scheme="wss") == ALLOWED


def test_two_origins_are_refused() -> None:
    twice = (("origin", "file://"), ("origin", "file://"))
    assert code_of(decide(LOCAL, *twice)) == ErrorCode.ORIGIN_FORBIDDEN


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/shutdown"),
        ("POST", "//shutdown"),
        ("POST", "/shutdown/"),
        ("GET", "/api/sessions"),
        ("DELETE", "/api//sessions/abc"),
        ("POST", "/api/sessions/abc/rewind"),
        ("GET", "/metrics"),
        ("DELETE", "/api/cached-model/some/model"),
    ],
)
@pytest.mark.parametrize(
    ("headers", "host", "client", "allowed"),
    [
        ((), "127.0.0.1:7987", "127.0.0.1", True),
        ((), "[::1]:7987", "::1", True),
        ((), "localhost:7987", "::ffff:127.0.0.1", True),
        ((), "127.0.0.1:7987", "192.168.1.9", False),
        ((), "192.168.1.5:7987", "127.0.0.1", False),
        ((), "127.0.0.1:7987", None, False),
        ((("x-forwarded-for", "127.0.0.1"),), "127.0.0.1:7987", "127.0.0.1", False),
        ((("x-forwarded-proto", "https"),), "127.0.0.1:7987", "127.0.0.1", False),
        ((("forwarded", "for=127.0.0.1"),), "127.0.0.1:7987", "127.0.0.1", False),
        ((("x-real-ip", "127.0.0.1"),), "127.0.0.1:7987", "127.0.0.1", False),
        ((("via", "1.1 proxy"),), "127.0.0.1:7987", "127.0.0.1", False),
    ],
)
def test_local_paths(
    method: str, path: str, headers: tuple[tuple[str, str], ...], host: str, client: str | None, *, allowed: bool
) -> None:
    decision = decide(OPEN, *headers, method=method, path=path, host=host, client=client, server="192.168.1.5")
    assert code_of(decision) == (None if allowed else ErrorCode.LOCAL_ONLY)
    bearer = ("authorization", f"Bearer {TOKEN}")
    if host != "192.168.1.5:7987":
        guarded = decide(GUARDED, bearer, *headers, method=method, path=path, host=host, client=client)
        assert guarded == ALLOWED


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/seeds"), ("HEAD", "/health"), ("GET", "/metricsx"), ("GET", "/"), ("GET", "/ws"), ("GET", "//ws")],
)
def test_other_paths_are_for_all(method: str, path: str) -> None:
    assert decide(OPEN, method=method, path=path, client="192.168.1.9") == Allowed(Anonymous("192.168.1.9"))


@pytest.mark.parametrize(
    ("action", "method", "path"),
    [
        ("uploads", "POST", "/api/seeds"),
        ("uploads", "POST", "/api//seeds/"),
        ("recordings", "GET", "/api/recordings"),
        ("recordings", "HEAD", "/api/recordings/abc/video"),
        ("worlds", "GET", "/api/worlds"),
        ("deletions", "DELETE", "/api/seeds/abc"),
    ],
)
def test_what_leaves_something_behind_needs_a_token_unless_it_is_allowed(action: str, method: str, path: str) -> None:
    anonymous = Allowed(Anonymous("192.168.1.9"))
    may = AnonymousConfig(may=(AnonymousAction(action),))
    for access in (OPEN, BOTH):
        refused = decide(access, method=method, path=path, client="192.168.1.9")
        assert code_of(refused) == ErrorCode.ANONYMOUS_NOT_ALLOWED
        allowed = replace(access, anonymous=may)
        assert decide(allowed, method=method, path=path, client="192.168.1.9") == anonymous
        others = replace(access, anonymous=AnonymousConfig(may=tuple(set(AnonymousAction) - set(may.may))))
        assert code_of(decide(others, method=method, path=path, client="192.168.1.9")) is not None
    assert decide(LOCAL, method=method, path=path) == ALLOWED
    bearer = ("authorization", f"Bearer {TOKEN}")
    for access in (GUARDED, BOTH):
        assert decide(access, bearer, method=method, path=path, client="192.168.1.9") == ALLOWED


def test_where_both_are_given_strangers_play_and_a_token_makes_an_owner() -> None:
    assert decide(BOTH, path="/ws", scheme="ws", client="192.168.1.9") == Allowed(Anonymous("192.168.1.9"))
    assert decide(BOTH, path="/") == Allowed(Anonymous("127.0.0.1")), "the token decides, also on this machine"
    assert code_of(decide(BOTH, path="/shutdown", method="POST")) == ErrorCode.LOCAL_ONLY
    assert isinstance(decide(BOTH, path="/", query=f"token={TOKEN}"), LoggedIn)
    for wrong in (("authorization", "Bearer wrong"), ("authorization", "Basic abc")):
        assert code_of(decide(BOTH, wrong)) == ErrorCode.TOKEN_REQUIRED
    assert code_of(decide(BOTH, path="/", query="token=wrong")) == ErrorCode.TOKEN_REQUIRED


@pytest.mark.parametrize(
    ("authorization", "allowed"),
    [
        (f"Bearer {TOKEN}", True),
        (f"bearer {TOKEN}", True),
        (f"Bearer {TOKEN}x", False),
        (f"Bearer {TOKEN[:-1]}", False),
        ("Bearer é" + TOKEN, False),
        (f"Basic {TOKEN}", False),
        (TOKEN, False),
        ("", False),
    ],
)
@pytest.mark.parametrize("path", ["/api/models", "/ws", "/shutdown", "/health/x"])
def test_a_token_is_asked_of_everyone(authorization: str, path: str, *, allowed: bool) -> None:
    decision = decide(GUARDED, ("authorization", authorization), path=path)
    assert code_of(decision) == (None if allowed else ErrorCode.TOKEN_REQUIRED)


def test_health_needs_no_token() -> None:
    assert decide(GUARDED, path="/health") == Allowed(Anonymous("127.0.0.1"))
    assert code_of(decide(GUARDED, path="/health", method="POST")) == ErrorCode.TOKEN_REQUIRED
    assert code_of(decide(GUARDED, path="/health", host="evil.example")) == ErrorCode.HOST_FORBIDDEN


@pytest.mark.parametrize("query", [f"token={TOKEN}", f"a=b&token={TOKEN}", "token=correct%2Bhorse%2Fbattery.staple"])
def test_a_token_in_the_address_becomes_a_cookie(query: str) -> None:
    decision = decide(GUARDED, path="/", query=query)
    assert isinstance(decision, LoggedIn)
    name_and_value, *attributes = decision.set_cookie.split("; ")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes)
    assert "Secure" not in attributes
    assert "7987" in name_and_value.partition("=")[0]
    assert TOKEN not in decision.set_cookie
    assert decide(GUARDED, ("cookie", f"other=1; {name_and_value}")) == ALLOWED
    assert decide(GUARDED, ("cookie", name_and_value), path="/ws", scheme="ws") == ALLOWED
    assert code_of(decide(GUARDED, ("cookie", f"{name_and_value}0"))) == ErrorCode.TOKEN_REQUIRED
    other = AccessConfig(host="0.0.0.0", token=TOKEN + "x")
    assert code_of(decide(other, ("cookie", name_and_value))) == ErrorCode.TOKEN_REQUIRED


def test_the_cookie_is_secure_over_https() -> None:
    decision = decide(GUARDED, path="/", query=f"token={TOKEN}", scheme="https")
    assert isinstance(decision, LoggedIn)
    assert decision.set_cookie.endswith("; Secure")


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "/", "token=wrong"),
        ("GET", "/", "token="),
        ("GET", "/", ""),
        ("HEAD", "/", f"token={TOKEN}"),
        ("POST", "/", f"token={TOKEN}"),
        ("GET", "/ws", f"token={TOKEN}"),
        ("GET", "/api/models", f"token={TOKEN}"),
    ],
)
def test_other_tokens_in_an_address_do_not_log_in(method: str, path: str, query: str) -> None:
    assert code_of(decide(GUARDED, method=method, path=path, query=query)) == ErrorCode.TOKEN_REQUIRED


def test_only_the_page_is_refused_in_html() -> None:
    person, program = Reader.PERSON, Reader.PROGRAM
    for method, path, reader in (("GET", "/", person), ("GET", "/api/models", program), ("POST", "/", program)):
        decision = decide(GUARDED, method=method, path=path)
        assert isinstance(decision, Refused)
        assert decision.reader is reader


V5 = "protocol_version=5"


@pytest.mark.parametrize(
    ("headers", "request_line", "reader"),
    [
        ((), {"query": V5}, Reader.DESKTOP_CLIENT),
        ((("origin", "file://"),), {"query": V5}, Reader.DESKTOP_CLIENT),
        ((), {"query": V5, "scheme": "wss"}, Reader.DESKTOP_CLIENT),
        ((), {"query": f"{V5}&client=terrarium"}, Reader.PROGRAM),
        ((), {"query": "protocol_version=4"}, Reader.PROGRAM),
        ((), {"query": ""}, Reader.PROGRAM),
        ((), {"query": V5, "scheme": "http"}, Reader.PROGRAM),
        ((), {"query": V5, "path": "/ws2"}, Reader.PROGRAM),
        ((("authorization", "Bearer wrong"),), {"query": V5}, Reader.PROGRAM),
    ],
)
def test_a_desktop_clients_socket_is_refused_in_a_way_that_it_shows(
    headers: tuple[tuple[str, str], ...], request_line: dict[str, str], reader: Reader
) -> None:
    decision = decide(GUARDED, *headers, **{"path": "/ws", "scheme": "ws", **request_line})
    assert isinstance(decision, Refused)
    assert (decision.code, decision.reader) == (ErrorCode.TOKEN_REQUIRED, reader)


def test_a_foreign_page_that_connects_as_a_desktop_client_is_a_foreign_page() -> None:
    decision = decide(GUARDED, ("origin", "http://evil.example"), path="/ws", scheme="ws", query=V5)
    assert isinstance(decision, Refused)
    assert (decision.code, decision.reader) == (ErrorCode.ORIGIN_FORBIDDEN, Reader.PROGRAM)


def test_a_token_does_not_open_the_door_to_foreign_pages() -> None:
    headers = (("authorization", f"Bearer {TOKEN}"), ("origin", "http://evil.example"))
    assert code_of(decide(GUARDED, *headers)) == ErrorCode.ORIGIN_FORBIDDEN


def test_without_a_token_a_token_in_the_address_means_nothing() -> None:
    assert decide(LOCAL, path="/", query="token=whatever") == ALLOWED


# ------------------------------------------------------------------------------------------------- accounts

PEOPLE = AccessConfig(host="0.0.0.0", accounts=True)
PEOPLE_AND_TOKEN = AccessConfig(host="0.0.0.0", accounts=True, token=TOKEN)
SESSION = ("cookie", "other=1; terrarium_account_7987=abc; terrarium_account_8000=other")


def test_a_session_or_a_token_has_to_be_looked_up() -> None:
    assert decide(PEOPLE, SESSION) == Unidentified(SessionSecret("abc"), None)
    assert decide(PEOPLE, ("authorization", "Bearer terr_x")) == Unidentified(TokenSecret("terr_x"), None)
    both = decide(PEOPLE, SESSION, ("authorization", "Bearer terr_x"))
    assert both == Unidentified(TokenSecret("terr_x"), None), "what is sent on purpose is meant"
    assert decide(LOCAL, SESSION) == ALLOWED, "without accounts nothing is looked up"


@pytest.mark.parametrize("path", ["/api/models", "/metrics", "/openapi.json", "/api/people", "/api/nothing"])
def test_with_accounts_this_machine_is_nobody_in_particular(path: str) -> None:
    assert code_of(decide(PEOPLE, path=path)) == ErrorCode.SIGN_IN_REQUIRED


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/main.js"),
        ("HEAD", "/"),
        ("GET", "/health"),
        ("GET", "/api/account"),
        ("GET", "//api/account"),
        ("POST", "/api/account/sign-in"),
        ("POST", "/api/account/setup"),
        ("POST", "/api/account/accept"),
        ("POST", "/api/account/sign-out"),
    ],
)
def test_the_way_in_is_open(method: str, path: str) -> None:
    assert decide(PEOPLE, method=method, path=path) == Allowed(Anonymous("127.0.0.1"))


def test_the_servers_token_is_the_owner_also_beside_accounts() -> None:
    assert decide(PEOPLE_AND_TOKEN, ("authorization", f"Bearer {TOKEN}")) == ALLOWED
    logged_in = decide(PEOPLE_AND_TOKEN, path="/", query=f"token={quote(TOKEN)}")
    assert isinstance(logged_in, LoggedIn)
    cookie = logged_in.set_cookie.partition(";")[0]
    assert decide(PEOPLE_AND_TOKEN, ("cookie", cookie)) == ALLOWED
    both = decide(PEOPLE_AND_TOKEN, ("cookie", f"{cookie}; {SESSION[1]}"))
    assert both == Unidentified(SessionSecret("abc"), Owner())
    assert code_of(decide(PEOPLE_AND_TOKEN)) == ErrorCode.SIGN_IN_REQUIRED


@pytest.mark.parametrize("text", ["Bearer \xe9\xff", "Basic abc", "Bearer", "", "Bearer a b"])
def test_other_credentials_are_nobodys(text: str) -> None:
    decision = decide(PEOPLE_AND_TOKEN, ("authorization", text))
    assert code_of(decision) == ErrorCode.SIGN_IN_REQUIRED or isinstance(decision, Unidentified)


def test_once_it_is_known_who_asks_the_rules_decide() -> None:
    policy = AccessPolicy(Current.fixed(PEOPLE))
    player = Person("ann", "Ann", Role.PLAYER, frozenset(Scope))
    viewer = Person("vic", "Vic", Role.VIEWER, frozenset(Scope))

    def settle(visitor: Visitor | None, method: str, path: str, scheme: str = "http") -> Allowed | Refused:
        host = (("host", "127.0.0.1:7987"),)
        return policy.settle(AccessRequest(method, path, "", scheme, host, "127.0.0.1", "127.0.0.1"), visitor)

    assert settle(player, "GET", "/api/models") == Allowed(player)
    assert settle(player, "GET", "/ws", "ws") == Allowed(player)
    assert code_of(settle(viewer, "GET", "/ws", "ws")) == ErrorCode.ROLE_NOT_ALLOWED
    assert code_of(settle(player, "POST", "/shutdown")) == ErrorCode.ROLE_NOT_ALLOWED
    assert code_of(settle(None, "GET", "/api/models")) == ErrorCode.SIGN_IN_REQUIRED
    assert settle(None, "GET", "/health") == Allowed(Anonymous("127.0.0.1"))


@pytest.mark.parametrize(
    ("method", "path", "is_open"),
    [
        ("GET", "/", True),
        ("GET", "/main.js", True),
        ("GET", "/api/seeds", False),
        ("GET", "/ws", False),
        ("POST", "/api/account/sign-out", False),
        ("POST", "/api/account/sign-in", False),
    ],
)
def test_pages_of_other_sites_get_no_further_than_the_page(method: str, path: str, *, is_open: bool) -> None:
    site = ("sec-fetch-site", "cross-site")
    decision = decide(PEOPLE, site, method=method, path=path)
    assert (code_of(decision) != ErrorCode.ORIGIN_FORBIDDEN) == is_open
    allowed = replace(PEOPLE, allowed_origins=("https://friend.example",))
    named = decide(allowed, site, ("origin", "https://friend.example"), method=method, path=path)
    assert code_of(named) != ErrorCode.ORIGIN_FORBIDDEN, "an origin that the owner allows is not another site"


def test_a_socket_where_nobody_has_signed_in_is_told_on_the_socket() -> None:
    refused = decide(PEOPLE, path="/ws", scheme="ws")
    assert isinstance(refused, Refused)
    assert refused.reader is Reader.DESKTOP_CLIENT
