"""A server with accounts, and the people who use it, each with a browser of their own."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from websockets.sync.client import connect

from runtime_config.runtime_config import AccessConfig
from tests.fakes.fake_account_store import FakeAccountStore
from tests.fakes.fake_password_hasher import FakePasswordHasher
from tests.play.harness import PlayClient, PlayServer, fake_services, play_server
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Generator

    import httpx

    from services.account_store.account_store import AccountStores
    from services.clock.clock import Clock
    from services.password_hasher.password_hasher import PasswordHasher
    from tests.play.harness import Json

PASSWORD = "correct horse"


@dataclass
class Browser:
    """Keeps cookies, as a browser does."""

    server: PlayServer
    http: httpx.Client

    def account(self) -> Json:
        return self.http.get("/api/account").json()

    def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        return self.http.post("/api/account/sign-in", json={"name": name, "password": password})

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())

    @contextmanager
    def play(self) -> Generator[PlayClient]:
        with connect(
            f"ws://127.0.0.1:{self.server.server.port}/ws?protocol_version=5&client=terrarium",
            additional_headers={"Cookie": self.cookie},
            compression=None,
            max_size=None,
            open_timeout=deadline_s(),
        ) as socket:
            yield PlayClient(socket, extended=True)

    def token(self, *scopes: str, **body: Any) -> str:
        response = self.http.post("/api/account/tokens", json={"name": "robot", "scopes": list(scopes), **body})
        assert response.status_code == 201, response.text
        return response.json()["token"]


@dataclass
class PeopleServer:
    server: PlayServer
    hasher: FakePasswordHasher  # where the test brings none of its own
    browsers: list[Browser] = field(default_factory=list[Browser])

    def browser(self, **headers: str) -> Browser:
        made = Browser(self.server, self.server.server.http_client(**headers))
        self.browsers.append(made)
        return made

    def bearer(self, token: str) -> Browser:
        return self.browser(Authorization=f"Bearer {token}")

    def owner(self, name: str = "Ann") -> Browser:
        """The first owner, made from this machine."""
        made = self.browser()
        response = made.http.post("/api/account/setup", json={"name": name, "password": PASSWORD})
        assert response.status_code == 201, response.text
        return made

    def invited(self, owner: Browser, name: str, role: str = "player") -> Browser:
        code = owner.http.post("/api/invitations", json={"role": role}).json()["code"]
        made = self.browser()
        body = {"code": code, "name": name, "password": PASSWORD}
        response = made.http.post("/api/account/accept", json=body)
        assert response.status_code == 201, response.text
        return made

    def id_of(self, owner: Browser, name: str) -> str:
        people = owner.http.get("/api/people").json()["people"]
        return next(person["id"] for person in people if person["name"] == name)


@contextmanager
def people_server(
    *,
    clock: Clock | None = None,
    stores: AccountStores | None = None,
    hasher: PasswordHasher | None = None,
    services: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    **access: Any,
) -> Generator[PeopleServer]:
    """`access` are changes of the access configuration, `config` of the rest, `services` further fakes."""
    counting = FakePasswordHasher()
    bundle = fake_services(
        account_stores=stores or FakeAccountStore(), password_hasher=hasher or counting, clock=clock, **services or {}
    )
    with play_server(bundle, access=AccessConfig(accounts=True, **access), **config or {}) as server:
        people = PeopleServer(server, counting)
        try:
            yield people
        finally:
            for browser in people.browsers:
                browser.http.close()
