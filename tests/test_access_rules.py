"""Every route and every request of a session has a rule, and the rules are the ones that the documents promise."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, get_args

import pytest
from starlette.routing import BaseRoute, Route, WebSocketRoute

import _routes
from access_rules import (
    JOBS,
    OWNERS,
    REQUESTS,
    ROUTES,
    SCOPES_OF,
    Anonymous,
    ForEveryone,
    ForPeople,
    IfAllowed,
    Open,
    Owner,
    Person,
    RouteRules,
    Rule,
    Visitor,
    has_scope,
    is_foreign,
    network_of,
    owner_of,
    refusal,
    standing,
)
from app_factory import create_app
from app_handler import AppHandler
from error_types import ErrorCode
from handlers.session.commands import COMMANDS
from runtime_config.anonymous_config import AnonymousAction
from runtime_config.launch_settings import Launch
from runtime_config.runtime_config import RuntimeConfig
from services.account_store.account import Role, Scope
from tests.play.harness import fake_services
from wire_protocol import AnyNotification, AnyRequest

if TYPE_CHECKING:
    from pydantic import BaseModel

STRANGER = Anonymous("192.0.2.7")


def person(role: Role, scopes: frozenset[Scope] = frozenset(Scope), user_id: str = "ann") -> Person:
    return Person(user_id, user_id.title(), role, scopes)


OWNING, PLAYER, VIEWER = (person(role) for role in Role)
UPLOADS, RECORDINGS, WORLDS, DELETIONS = AnonymousAction


def served() -> set[tuple[str, str]]:
    """Method and path of everything that the server answers, the page's files apart.

    What the routers of `_routes` hold, what the app's own description has, and what the app holds beside its routers.
    """
    app = create_app(AppHandler(Launch.of(RuntimeConfig(data_dir=Path("unused"))), fake_services()))
    described = {(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods}
    resources = [module.name for module in iter_modules(_routes.__path__) if not module.name.startswith("_")]
    routers = [import_module(f"_routes.{name}").router for name in resources]
    held = {each for router in routers for route in router.routes for each in _addresses(route)}
    beside = {each for route in app.routes for each in _addresses(route)}
    return {(method, path.replace(":path", "")) for method, path in described | held | beside if method != "HEAD"}


def _addresses(route: BaseRoute) -> set[tuple[str, str]]:
    match route:
        case WebSocketRoute():
            return {("GET", route.path)}
        case Route():
            return {(method, route.path) for method in route.methods or ()}
        case _:
            return set()


@pytest.mark.filterwarnings("ignore:Duplicate Operation ID")  # of a route that answers GET and HEAD
def test_every_route_has_a_rule_and_every_rule_a_route() -> None:
    assert {(method, path.replace(":path", "")) for method, path in ROUTES} == served()


def test_every_request_of_a_session_has_a_rule_and_every_rule_a_request() -> None:
    assert set(COMMANDS) == set(REQUESTS)


def test_every_kind_of_job_has_a_rule_and_every_rule_a_kind(tmp_path: Path) -> None:
    handler = AppHandler(Launch.of(RuntimeConfig(data_dir=tmp_path)), fake_services())
    assert set(handler.job_kinds.request_models()) == set(JOBS)


def test_the_rule_of_every_route_is_found_by_an_address_of_it() -> None:
    rules = RouteRules()
    for (method, path), rule in ROUTES.items():
        address = path.replace("{model_id:path}", "some/model").replace("{", "").replace("}", "")
        assert rules.of(method, address) is rule, path
        assert rules.of(method, f"{address}/") is rule, "the slash at the end leads to the same route"
    assert rules.of("HEAD", "/api/recordings/one/video") is rules.of("GET", "/api/recordings/one/video")


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/new", "/api/seeds/one/more/things", "/api/sessions/one", "/v1/new"]
)
def test_what_has_no_rule_where_programs_ask_is_the_owners(path: str) -> None:
    assert RouteRules().of("GET", path) == OWNERS


@pytest.mark.parametrize("path", ["/", "/main.js", "/apis", "/metricsx", "/v1s"])
def test_the_files_of_the_page_are_for_everyone(path: str) -> None:
    assert RouteRules().of("GET", path) == Open()


@pytest.mark.parametrize(
    ("rule", "allowed", "code"),
    [
        (Open(), (), None),
        (ForEveryone(Scope.PLAY), (), None),
        (ForPeople(Scope.ACCOUNT), tuple(AnonymousAction), ErrorCode.LOCAL_ONLY),
        (OWNERS, tuple(AnonymousAction), ErrorCode.LOCAL_ONLY),
        (IfAllowed(Scope.CREATE, (UPLOADS,)), (), ErrorCode.ANONYMOUS_NOT_ALLOWED),
        (IfAllowed(Scope.CREATE, (UPLOADS,)), (RECORDINGS, WORLDS, DELETIONS), ErrorCode.ANONYMOUS_NOT_ALLOWED),
        (IfAllowed(Scope.CREATE, (UPLOADS,)), (UPLOADS,), None),
        (IfAllowed(Scope.CREATE, (WORLDS, DELETIONS)), (WORLDS,), ErrorCode.ANONYMOUS_NOT_ALLOWED),
        (IfAllowed(Scope.CREATE, (WORLDS, DELETIONS)), (DELETIONS, WORLDS), None),
    ],
)
def test_a_stranger_may_what_the_owner_allows(
    rule: Rule, allowed: tuple[AnonymousAction, ...], code: ErrorCode | None
) -> None:
    refused = refusal(rule, STRANGER, allowed)
    assert (None if refused is None else refused.code) == code
    assert refusal(rule, Owner(), ()) is None


def test_a_refusal_says_what_is_refused_and_how_the_owner_allows_it() -> None:
    refused = refusal(IfAllowed(Scope.CREATE, (WORLDS, DELETIONS)), STRANGER, (WORLDS,))
    assert refused is not None
    assert "delete" in refused.message
    assert "--anonymous-may deletions" in refused.message


ALL = frozenset(Scope)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.OWNER, ALL),
        (Role.PLAYER, ALL - {Scope.ADMIN}),
        (Role.VIEWER, {Scope.READ, Scope.ACCOUNT}),
    ],
)
@pytest.mark.parametrize("scope", Scope)
def test_a_person_may_what_their_role_has(role: Role, allowed: frozenset[Scope], scope: Scope) -> None:
    for rule in (ForEveryone(scope), IfAllowed(scope, (UPLOADS,)), ForPeople(scope)):
        refused = refusal(rule, person(role), ())
        assert (refused is None) == (scope in allowed)
        assert refused is None or refused.code == ErrorCode.ROLE_NOT_ALLOWED
    assert refusal(Open(), person(role), ()) is None


@pytest.mark.parametrize("granted", Scope)
@pytest.mark.parametrize("scope", Scope)
def test_a_token_allows_its_scopes_alone_and_none_that_its_persons_role_lacks(scope: Scope, granted: Scope) -> None:
    for role in Role:
        bearer = person(role, frozenset({granted}))
        assert (refusal(ForEveryone(scope), bearer, ()) is None) == (scope == granted and scope in SCOPES_OF[role])
        assert has_scope(bearer, scope) == (refusal(ForPeople(scope), bearer, ()) is None)


def test_a_refusal_says_what_a_token_lacks_and_what_a_role_is_for() -> None:
    lacking = refusal(ForEveryone(Scope.PLAY), person(Role.PLAYER, frozenset({Scope.READ})), ())
    assert lacking is not None
    assert (lacking.code, "scope play" in lacking.message) == (ErrorCode.SCOPE_MISSING, True)
    unsigned = refusal(ForPeople(Scope.ACCOUNT), person(Role.OWNER, frozenset({Scope.ADMIN})), ())
    assert unsigned is not None
    assert "sign in" in unsigned.message
    watching = refusal(ForEveryone(Scope.PLAY), VIEWER, ())
    assert watching is not None
    assert "viewer" in watching.message


def test_a_viewer_changes_nothing_and_plays_nothing() -> None:
    """Their own password, sessions and tokens apart."""
    for (method, path), rule in ROUTES.items():
        own = isinstance(rule, ForPeople) and rule.scope is Scope.ACCOUNT
        if method != "GET" and not isinstance(rule, Open) and not own:
            assert refusal(rule, VIEWER, tuple(AnonymousAction)), path
    for rule in (*REQUESTS.values(), *JOBS.values(), ROUTES["GET", "/ws"]):
        assert refusal(rule, VIEWER, tuple(AnonymousAction))


@pytest.mark.parametrize(
    ("visitor", "sees"),
    [
        (Owner(), {None, "ann", "bob"}),
        (OWNING, {None, "ann", "bob"}),
        (person(Role.OWNER, ALL - {Scope.ADMIN}), {"ann"}),
        (PLAYER, {"ann"}),
        (VIEWER, {"ann"}),
        (person(Role.PLAYER, user_id="bob"), {"bob"}),
        (STRANGER, {None}),
    ],
)
def test_what_belongs_to_others_does_not_exist(visitor: Visitor, sees: set[str | None]) -> None:
    assert {owner for owner in (None, "ann", "bob") if not is_foreign(visitor, owner)} == sees
    assert not is_foreign(visitor, owner_of(visitor))


def test_what_visitors_make_is_theirs_or_the_owners() -> None:
    assert [owner_of(each) for each in (Owner(), STRANGER, OWNING, PLAYER)] == [None, None, "ann", "ann"]


def test_people_give_way_to_owners_and_strangers_to_people() -> None:
    assert [standing(each) for each in (STRANGER, VIEWER, PLAYER, OWNING, Owner())] == [0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        (None, "unknown"),
    ],
)
def test_one_household_is_one_network(address: str | None, network: str) -> None:
    assert network_of(address) == network


def test_every_message_of_a_client_is_a_request_with_a_rule_or_steers_what_the_socket_is_for() -> None:
    """Who may not play gets no socket, so that what is no request needs no rule of its own."""
    notifications = {_type_of(each) for each in get_args(AnyNotification)}
    assert notifications == {"control", "pause", "resume", "reset", "prompt", "frame_ack", "cancel"}
    assert {_type_of(each) for each in get_args(AnyRequest)} == set(REQUESTS)
    socket = ROUTES["GET", "/ws"]
    assert isinstance(socket, ForEveryone)
    assert socket.scope is Scope.PLAY


def _type_of(message: type[BaseModel]) -> str:
    return get_args(message.model_fields["type"].annotation)[0]
