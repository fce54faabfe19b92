"""Who may do what: a rule for every route, and for every request of a session.

There are two kinds of visitors. The owner is on the machine that the server runs on, or shows its token. Everybody else
is anonymous: they may play, and do what the owner allows to everybody (`--anonymous-may`). What has no rule here is the
owner's: a route below /api, and a request of a session.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from error_types import ErrorCode
from runtime_config.anonymous_config import AnonymousAction

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

VISITOR_SCOPE: Final = "terrarium.visitor"  # where an ASGI scope holds its `Visitor`

# -------------------------------------------------------------------------------------------------- visitors


@dataclass(frozen=True, slots=True)
class Owner:
    """On the server's own machine, or with its token."""


@dataclass(frozen=True, slots=True)
class Anonymous:
    """From elsewhere, without a token. `network` is the address, of which an IPv6 one is named by its /64."""

    network: str


Visitor: TypeAlias = Owner | Anonymous


def network_of(address: str | None) -> str:
    """What the clients of one household have in common: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or "unknown"
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped) if found.ipv4_mapped else str(ip_network((found, 64), strict=False))


# ----------------------------------------------------------------------------------------------------- rules


@dataclass(frozen=True, slots=True)
class ForEveryone:
    pass


@dataclass(frozen=True, slots=True)
class ForOwner:
    pass


@dataclass(frozen=True, slots=True)
class IfAllowed:
    """For everybody to whom the owner allows all of these `actions`."""

    actions: tuple[AnonymousAction, ...]


Rule: TypeAlias = ForEveryone | ForOwner | IfAllowed

_EVERYONE: Final = ForEveryone()
_OWNER: Final = ForOwner()
_UPLOADS: Final = IfAllowed((AnonymousAction.UPLOADS,))
_RECORDINGS: Final = IfAllowed((AnonymousAction.RECORDINGS,))
_WORLDS: Final = IfAllowed((AnonymousAction.WORLDS,))
_DELETIONS: Final = IfAllowed((AnonymousAction.DELETIONS,))
_WORLD_UPLOADS: Final = IfAllowed((AnonymousAction.WORLDS, AnonymousAction.UPLOADS))
# A name that is given away is lost to whoever knew it, so that renaming counts as deleting.
_WORLD_DELETIONS: Final = IfAllowed((AnonymousAction.WORLDS, AnonymousAction.DELETIONS))
_RECORDING_DELETIONS: Final = IfAllowed((AnonymousAction.RECORDINGS, AnonymousAction.DELETIONS))
# Who may have scenes made may see what is being made; jobs are not told apart by who wanted them.
_JOBS: Final = _UPLOADS
_JOB_DELETIONS: Final = IfAllowed((AnonymousAction.UPLOADS, AnonymousAction.DELETIONS))

# By method and path, as in `_routes/`; HEAD counts as GET.
ROUTES: Final[Mapping[tuple[str, str], Rule]] = MappingProxyType(
    {
        ("GET", "/health"): _EVERYONE,
        ("GET", "/ws"): _EVERYONE,  # what is asked for in the session has rules of its own
        ("GET", "/openapi.json"): _EVERYONE,
        ("GET", "/metrics"): _OWNER,
        ("POST", "/shutdown"): _OWNER,
        ("GET", "/api/system-info"): _EVERYONE,
        ("GET", "/api/models"): _EVERYONE,
        ("GET", "/api/model-info/{model_id:path}"): _EVERYONE,
        ("DELETE", "/api/cached-model/{model_id:path}"): _OWNER,
        ("GET", "/api/seeds"): _EVERYONE,
        ("POST", "/api/seeds"): _UPLOADS,
        ("GET", "/api/seeds/{seed_hash}/image"): _EVERYONE,
        ("GET", "/api/seeds/{seed_hash}/thumbnail"): _EVERYONE,
        ("DELETE", "/api/seeds/{seed_hash}"): _DELETIONS,
        ("GET", "/api/scenes"): _EVERYONE,
        ("DELETE", "/api/scenes/{seed_hash}"): _DELETIONS,
        ("GET", "/api/recordings"): _RECORDINGS,
        ("GET", "/api/recordings/{name}"): _RECORDINGS,
        ("GET", "/api/recordings/{name}/video"): _RECORDINGS,
        ("GET", "/api/recordings/{name}/thumbnail"): _RECORDINGS,
        ("POST", "/api/recordings/{name}/finish"): _RECORDINGS,
        ("PATCH", "/api/recordings/{name}"): _RECORDING_DELETIONS,
        ("DELETE", "/api/recordings/{name}"): _RECORDING_DELETIONS,
        ("GET", "/api/worlds"): _WORLDS,
        ("POST", "/api/worlds"): _WORLD_UPLOADS,
        ("GET", "/api/worlds/{world_id}/file"): _WORLDS,
        ("GET", "/api/worlds/{world_id}/thumbnail"): _WORLDS,
        ("PATCH", "/api/worlds/{world_id}"): _WORLD_DELETIONS,
        ("DELETE", "/api/worlds/{world_id}"): _WORLD_DELETIONS,
        ("GET", "/api/jobs"): _JOBS,
        ("POST", "/api/jobs"): _EVERYONE,  # each kind of job has a rule of its own
        ("GET", "/api/jobs/{job_id}"): _JOBS,
        ("GET", "/api/jobs/{job_id}/file"): _WORLDS,
        ("GET", "/api/jobs/{job_id}/stream"): _JOBS,
        ("GET", "/api/events"): _JOBS,
        ("POST", "/api/jobs/{job_id}/cancel"): _JOB_DELETIONS,
        ("POST", "/api/jobs/{job_id}/retry"): _JOBS,
        ("DELETE", "/api/jobs/{job_id}"): _JOB_DELETIONS,
        ("GET", "/api/settings"): _OWNER,
        ("PATCH", "/api/settings"): _OWNER,
        ("POST", "/api/settings/reload"): _OWNER,
        ("GET", "/api/sessions"): _OWNER,
        ("POST", "/api/sessions/{session_id}/moments"): _OWNER,
        ("POST", "/api/sessions/{session_id}/moments/{moment_id}/restore"): _OWNER,
        ("POST", "/api/sessions/{session_id}/rewind"): _OWNER,
        ("POST", "/api/sessions/{session_id}/world"): _OWNER,
    }
)

# By the type of a request in a session.
REQUESTS: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "init": _EVERYONE,
        "check_seed_safety": _EVERYONE,
        # Scenes in words are pictures that come in like uploads, and they are made at the owner's expense.
        "scene_edit": _UPLOADS,
        "generate_scene": _UPLOADS,
        "take_moment": _EVERYONE,
        "restore_moment": _EVERYONE,
        "rewind": _EVERYONE,
        "save_world": _WORLDS,
        "recording": _RECORDINGS,
    }
)

# By the kind of a job.
JOBS: Final[Mapping[str, Rule]] = MappingProxyType({"scene": _UPLOADS, "replay_film": _WORLDS})

# What an `init` may ask for beside a world.
INIT_WORLD_ID: Final = _WORLDS  # it reads a saved world; without the right to it, the `init` is refused
INIT_RECORDING: Final = _RECORDINGS  # the world is played without it
INIT_ACTION_LOGGING: Final = _RECORDINGS  # a log of inputs is kept as a recording is
INIT_AUTHORING: Final = _UPLOADS  # it loads the models that make scenes

# ------------------------------------------------------------------------------------------------- decisions


@dataclass(frozen=True, slots=True)
class AccessRefusal:
    """`message` is a sentence for the visitor."""

    code: ErrorCode
    message: str


_LOCAL_ONLY: Final = AccessRefusal(
    ErrorCode.LOCAL_ONLY,
    "This is only allowed from the machine that the server runs on, or with the server's token.",
)
_IN_WORDS: Final[Mapping[AnonymousAction, str]] = MappingProxyType(
    {
        AnonymousAction.UPLOADS: "add pictures or scenes",
        AnonymousAction.RECORDINGS: "record or see recordings",
        AnonymousAction.WORLDS: "save or open saved worlds",
        AnonymousAction.DELETIONS: "delete or rename what is kept here",
    }
)


def refusal(rule: Rule, visitor: Visitor, allowed: Collection[AnonymousAction]) -> AccessRefusal | None:
    """Why a visitor may not do what `rule` is for; None: they may. `allowed` is what the owner allows to everybody."""
    if isinstance(visitor, Owner):
        return None
    match rule:
        case ForEveryone():
            return None
        case ForOwner():
            return _LOCAL_ONLY
        case IfAllowed(actions):
            missing = next((action for action in actions if action not in allowed), None)
            return None if missing is None else _not_allowed(missing)
        case _:
            assert_never(rule)


def _not_allowed(action: AnonymousAction) -> AccessRefusal:
    return AccessRefusal(
        ErrorCode.ANONYMOUS_NOT_ALLOWED,
        f"Without the server's token you may not {_IN_WORDS[action]}. Its owner can allow it to everybody with"
        f" --anonymous-may {action.value}.",
    )


class RouteRules:
    """Finds the rule of a request by its method and its path."""

    def __init__(self) -> None:
        self._known = [(method, _pattern(path), rule) for (method, path), rule in ROUTES.items()]

    def of(self, method: str, path: str) -> Rule:
        """`path` has no repeated slashes. A path that is known with another method is as good as unknown."""
        asked = "GET" if method == "HEAD" else method
        plain = path.rstrip("/") or "/"
        found = next((rule for known, route, rule in self._known if known == asked and route.fullmatch(plain)), None)
        return found or (_OWNER if plain == "/api" or plain.startswith("/api/") else _EVERYONE)


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]*\})", path)
    return re.compile("".join(_part(part) for part in parts), re.DOTALL)


def _part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return ".+" if part.endswith(":path}") else "[^/]+"
