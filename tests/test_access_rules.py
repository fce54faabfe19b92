"""Every route and every request of a session has a rule, and the rules are the ones that the documents promise."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from starlette.routing import BaseRoute, Route, WebSocketRoute

import _routes
from access_rules import (
    JOBS,
    REQUESTS,
    ROUTES,
    Anonymous,
    ForEveryone,
    ForOwner,
    IfAllowed,
    Owner,
    RouteRules,
    Rule,
    network_of,
    refusal,
)
from app_factory import create_app
from app_handler import AppHandler
from error_types import ErrorCode
from handlers.jobs.film_executor import FilmExecutor
from handlers.jobs.scene_executor import SceneExecutor
from handlers.session.commands import COMMANDS
from runtime_config.anonymous_config import AnonymousAction
from runtime_config.launch_settings import Launch
from runtime_config.runtime_config import RuntimeConfig
from tests.play.harness import fake_services

STRANGER = Anonymous("192.0.2.7")
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


def test_every_kind_of_job_has_a_rule_and_every_rule_a_kind() -> None:
    assert {SceneExecutor.kind, FilmExecutor.kind} == set(JOBS)


def test_the_rule_of_every_route_is_found_by_an_address_of_it() -> None:
    rules = RouteRules()
    for (method, path), rule in ROUTES.items():
        address = path.replace("{model_id:path}", "some/model").replace("{", "").replace("}", "")
        assert rules.of(method, address) is rule, path
        assert rules.of(method, f"{address}/") is rule, "the slash at the end leads to the same route"
    assert rules.of("HEAD", "/api/recordings/one/video") is rules.of("GET", "/api/recordings/one/video")


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/new", "/api/seeds/one/more/things", "/api/sessions/one"])
def test_what_has_no_rule_below_api_is_the_owners(path: str) -> None:
    assert RouteRules().of("GET", path) == ForOwner()


@pytest.mark.parametrize("path", ["/", "/main.js", "/apis", "/metricsx"])
def test_the_files_of_the_page_are_for_everyone(path: str) -> None:
    assert RouteRules().of("GET", path) == ForEveryone()


@pytest.mark.parametrize(
    ("rule", "allowed", "code"),
    [
        (ForEveryone(), (), None),
        (ForOwner(), tuple(AnonymousAction), ErrorCode.LOCAL_ONLY),
        (IfAllowed((UPLOADS,)), (), ErrorCode.ANONYMOUS_NOT_ALLOWED),
        (IfAllowed((UPLOADS,)), (RECORDINGS, WORLDS, DELETIONS), ErrorCode.ANONYMOUS_NOT_ALLOWED),
        (IfAllowed((UPLOADS,)), (UPLOADS,), None),
        (IfAllowed((WORLDS, DELETIONS)), (WORLDS,), ErrorCode.ANONYMOUS_NOT_ALLOWED),
        (IfAllowed((WORLDS, DELETIONS)), (DELETIONS, WORLDS), None),
    ],
)
def test_a_stranger_may_what_the_owner_allows(
    rule: Rule, allowed: tuple[AnonymousAction, ...], code: ErrorCode | None
) -> None:
    refused = refusal(rule, STRANGER, allowed)
    assert (None if refused is None else refused.code) == code
    assert refusal(rule, Owner(), ()) is None


def test_a_refusal_says_what_is_refused_and_how_the_owner_allows_it() -> None:
    refused = refusal(IfAllowed((WORLDS, DELETIONS)), STRANGER, (WORLDS,))
    assert refused is not None
    assert "delete" in refused.message
    assert "--anonymous-may deletions" in refused.message


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
