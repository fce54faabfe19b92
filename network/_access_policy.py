"""Decides who may make a request. It works on plain values, without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, TypeAlias

from access_rules import Anonymous, ByLink, Open, Owner, RouteRules, Visitor, network_of, refusal
from error_types import HTTP_STATUS, ErrorCode
from network._access_token import TokenCheck, bearer_token, query_token, query_value
from network._paths import collapse_slashes
from runtime_config.web_origin import (
    Origin,
    WebOrigin,
    canonical_host,
    is_loopback_host,
    is_wildcard_host,
    parse_origin,
)
from sign_in import OfferedSecret, SessionSecret, TokenSecret, session_secret
from wire_protocol import PROTOCOL_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime_config.current import Current
    from runtime_config.runtime_config import AccessConfig

_FORWARDING: Final = frozenset({"forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip"})


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """The parts of a request that the rules need. `headers` has lower-case names; `scheme` is http, https, ws or wss.

    `server_host` and `client_host` are the addresses of the connection's two ends, None if they are unknown.
    """

    method: str
    path: str
    query: str
    scheme: str
    headers: tuple[tuple[str, str], ...]
    server_host: str | None
    client_host: str | None

    def values(self, name: str) -> Sequence[str]:
        return [value for key, value in self.headers if key == name]


@dataclass(frozen=True, slots=True)
class Allowed:
    visitor: Visitor


@dataclass(frozen=True, slots=True)
class Unidentified:
    """Whose secret `offered` is decides; `AccessPolicy.settle` goes on from there. `otherwise` asks where it is
    nobody's, None: nobody whom we know."""

    offered: OfferedSecret
    otherwise: Owner | None


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Redirect to `/` with status 303 and set the cookie. `set_cookie` is a complete Set-Cookie value."""

    set_cookie: str


class Reader(Enum):
    """Who reads a refusal.

    PERSON asked for the page. DESKTOP_CLIENT is a WebSocket of a client that has no place for a token, or of a page
    where nobody has signed in; they see nothing of an answer to its handshake.
    """

    PROGRAM = auto()
    PERSON = auto()
    DESKTOP_CLIENT = auto()


@dataclass(frozen=True, slots=True)
class Refused:
    code: ErrorCode
    message: str
    reader: Reader = Reader.PROGRAM

    @property
    def status(self) -> int:
        return HTTP_STATUS[self.code]


Decision: TypeAlias = Allowed | Unidentified | LoggedIn | Refused

_NO_HOST: Final = Refused(ErrorCode.HOST_INVALID, "The request needs exactly one well-formed Host header.")
_FOREIGN_HOST: Final = Refused(
    ErrorCode.HOST_FORBIDDEN,
    "This server does not answer under that host name. Use its address, or start it with --allowed-origin.",
)
_FOREIGN_ORIGIN: Final = Refused(
    ErrorCode.ORIGIN_FORBIDDEN,
    "Pages of this origin may not use the server. To allow them, start it with --allowed-origin.",
)
_TOKEN_CANNOT_BE_SHOWN: Final = Refused(
    ErrorCode.TOKEN_REQUIRED,
    "This server asks for its token, which this client cannot show. Open the server's address in a browser, or ask its"
    " owner to start it with --allow-anonymous.",
    Reader.DESKTOP_CLIENT,
)
_CROSS_SITE: Final = Refused(
    ErrorCode.ORIGIN_FORBIDDEN,
    "A page of another site asked for this. Open the server's own page instead.",
)

WRONG_TOKEN: Final = Refused(
    ErrorCode.TOKEN_REQUIRED, "That is not the token of this server. Look at it again.", Reader.PERSON
)


@dataclass(frozen=True, slots=True)
class _Origins:
    """Allowed origins as they were `written`, as they are compared, and the hosts that they name."""

    written: tuple[str, ...]
    parsed: frozenset[Origin]
    hosts: frozenset[str]

    @classmethod
    def of(cls, written: tuple[str, ...]) -> _Origins:
        parsed = frozenset[Origin](origin for text in written if (origin := parse_origin(text)) is not None)
        return cls(written, parsed, frozenset(origin.host for origin in parsed if isinstance(origin, WebOrigin)))


class AccessPolicy:
    """The rules of one server. They check the host, then the origin, then who asks, then whether they may do it."""

    def __init__(self, access: Current[AccessConfig]) -> None:
        """Token, host, port and accounts are those of the start; the rest is read when somebody asks."""
        started = access.now
        self._current = access
        self._token = None if started.token is None else TokenCheck(started.token, started.port)
        self._port = started.port
        self._bound = canonical_host(started.host)
        self._has_accounts = started.accounts
        self._origins = _Origins.of(started.allowed_origins)
        self._rules = RouteRules()

    @property
    def _access(self) -> AccessConfig:
        return self._current.now

    def _allowed_origins(self) -> _Origins:
        written = self._access.allowed_origins
        if written != self._origins.written:
            self._origins = _Origins.of(written)
        return self._origins

    def decide(self, request: AccessRequest) -> Decision:
        authority = _own_authority(request)
        if authority is None:
            return _NO_HOST
        if not self._is_own_host(authority.host, request.server_host):
            return _FOREIGN_HOST
        if not self._may_use(request.values("origin"), authority):
            return _FOREIGN_ORIGIN
        if self._has_accounts:
            return self._decide_by_account(request)
        if self._token is not None:
            return self._decide_by_token(self._token, request)
        visitor = Owner() if _is_local(request, authority.host) else _anonymous(request)
        return self._decide_by_rule(visitor, request)

    def settle(self, request: AccessRequest, visitor: Visitor | None) -> Allowed | Refused:
        """What becomes of a request once it is known whose it is, where there are accounts. None: nobody's we know."""
        if visitor is None:
            rule = self._rules.of(request.method, collapse_slashes(request.path))
            # Whoever offers a token is told that it is wrong.
            is_open = self._access.allow_anonymous and not request.values("authorization")
            if not (isinstance(rule, Open | ByLink) or is_open):
                return _not_signed_in(request)
            visitor = _anonymous(request)
        return self._decide_by_rule(visitor, request)

    def is_local(self, request: AccessRequest) -> bool:
        """Whether a request that was not refused comes from this machine."""
        authority = _own_authority(request)
        return authority is not None and _is_local(request, authority.host)

    def _decide_by_account(self, request: AccessRequest) -> Decision:
        rule = self._rules.of(request.method, collapse_slashes(request.path))
        opens_page = request.method in ("GET", "HEAD") and isinstance(rule, Open | ByLink)
        if request.values("sec-fetch-site") == ["cross-site"] and not (request.values("origin") or opens_page):
            return _CROSS_SITE
        credentials = request.values("authorization")
        bearer = bearer_token(credentials)
        has_cookie = False
        if self._token is not None:
            logging_in = self._logging_in(self._token, request)
            if logging_in is not None:
                return logging_in
            if self._token.matches(bearer):
                return Allowed(Owner())
            has_cookie = self._token.in_cookies(request.values("cookie"))
        if bearer is not None:
            return Unidentified(TokenSecret(bearer), otherwise=None)
        secret = session_secret(request.values("cookie"), self._port)
        machine = Owner() if has_cookie else None
        if secret is not None:
            return Unidentified(SessionSecret(secret), otherwise=machine)
        return self.settle(request, machine)

    def _decide_by_rule(self, visitor: Visitor, request: AccessRequest) -> Allowed | Refused:
        rule = self._rules.of(request.method, collapse_slashes(request.path))
        refused = refusal(rule, visitor, self._access.anonymous.may)
        return Allowed(visitor) if refused is None else Refused(refused.code, refused.message)

    def _is_own_host(self, host: str, server_host: str | None) -> bool:
        if is_loopback_host(host) or host in self._allowed_origins().hosts:
            return True
        # The bound address is the server's own whichever interface a request arrives on; a wildcard is not one.
        if self._bound == host and not is_wildcard_host(host):
            return True
        # DNS rebinding can point an attacker's host name at this machine. But a Host that equals the address on which
        # the connection arrived is not a name, so it is safe.
        return server_host is not None and canonical_host(server_host.partition("%")[0]) == host

    def _may_use(self, origins: Sequence[str], own: WebOrigin) -> bool:
        if not origins:
            return True
        origin = parse_origin(origins[0]) if len(origins) == 1 else None
        return origin is not None and (origin in ("file://", own) or origin in self._allowed_origins().parsed)

    def _decide_by_token(self, token: TokenCheck, request: AccessRequest) -> Decision:
        logging_in = self._logging_in(token, request)
        if logging_in is not None:
            return logging_in
        credentials = request.values("authorization")
        if token.in_cookies(request.values("cookie")) or token.matches(bearer_token(credentials)):
            return Allowed(Owner())
        is_open = self._access.allow_anonymous and not credentials  # whoever offers a token is told that it is wrong
        is_read = request.method in ("GET", "HEAD")
        path = collapse_slashes(request.path)
        if is_open or (is_read and (path == "/health" or isinstance(self._rules.of("GET", path), ByLink))):
            return self._decide_by_rule(_anonymous(request), request)
        if not credentials and _is_desktop_client(request):
            return _TOKEN_CANNOT_BE_SHOWN
        return _token_required(Reader.PERSON if _is_at_page(request) else Reader.PROGRAM)

    def _logging_in(self, token: TokenCheck, request: AccessRequest) -> LoggedIn | Refused | None:
        """None: the request does not open the page with a token in its address."""
        is_asked = _is_at_page(request) and request.method == "GET"
        offered = query_token(request.query) if is_asked else None
        if offered is None:
            return None
        if token.matches(offered):
            return LoggedIn(token.set_cookie(secure=request.scheme == "https"))
        return WRONG_TOKEN


def _is_at_page(request: AccessRequest) -> bool:
    is_read = request.method in ("GET", "HEAD")
    return is_read and collapse_slashes(request.path) == "/" and request.scheme in ("http", "https")


def _token_required(reader: Reader) -> Refused:
    message = "This server requires its token, sent as `Authorization: Bearer <token>`."
    return Refused(ErrorCode.TOKEN_REQUIRED, message, reader)


def _not_signed_in(request: AccessRequest) -> Refused:
    """A page, too, reads nothing of an answer to the handshake of its socket."""
    reader = Reader.DESKTOP_CLIENT if _is_socket(request) and not request.values("authorization") else Reader.PROGRAM
    return Refused(ErrorCode.SIGN_IN_REQUIRED, "Sign in first, or send an API token that is valid.", reader)


def _is_desktop_client(request: AccessRequest) -> bool:
    """Whether it connects as desktop clients do, which cannot show a token. Our own clients say who they are."""
    version, client = query_value(request.query, "protocol_version"), query_value(request.query, "client")
    return _is_socket(request) and version == str(PROTOCOL_VERSION) and client != "terrarium"


def _is_socket(request: AccessRequest) -> bool:
    return request.scheme in ("ws", "wss") and collapse_slashes(request.path) == "/ws"


def _own_authority(request: AccessRequest) -> WebOrigin | None:
    """The server's origin as the request names it: its scheme and its Host header. None unless there is exactly one."""
    hosts = request.values("host")
    scheme = {"ws": "http", "wss": "https"}.get(request.scheme, request.scheme)
    origin = parse_origin(f"{scheme}://{hosts[0]}") if len(hosts) == 1 else None
    return origin if isinstance(origin, WebOrigin) else None


def _anonymous(request: AccessRequest) -> Anonymous:
    return Anonymous(network_of(request.client_host))


def _is_local(request: AccessRequest, host: str) -> bool:
    """Whether the request comes from this machine.

    A proxy on this machine connects from loopback too, so requests with forwarding headers do not count as local.
    """
    forwarded = any(name in _FORWARDING or name.startswith("x-forwarded-") for name, _ in request.headers)
    peer = request.client_host
    return not forwarded and peer is not None and is_loopback_host(peer) and is_loopback_host(host)
