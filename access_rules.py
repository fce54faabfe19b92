"""Who may do what: a rule for every route, and for every request of a session.

There are three kinds of visitors. The owner is on the machine that the server runs on, or shows its token. A person has
signed in, which there is with `--accounts` alone; their role and, where they came with an API token, its scopes say
what they may do. Everybody else is anonymous: they may play, and do what the owner allows to everybody
(`--anonymous-may`). What has no rule here is the owner's: a route below /api or /v1, and a request
of a session.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from error_types import ErrorCode
from runtime_config.anonymous_config import AnonymousAction
from services.account_store.account import Role, Scope, UserId

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

VISITOR_SCOPE: Final = "terrarium.visitor"  # where an ASGI scope holds its `Visitor`

# -------------------------------------------------------------------------------------------------- visitors


@dataclass(frozen=True, slots=True)
class Owner:
    """On the server's own machine where there are no accounts, or with its token: the key of the machine."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has signed in. `scopes` are those of what they came with: all of them, or an API token's."""

    user_id: UserId
    name: str
    role: Role
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody knows who. `network` is the address, of which an IPv6 one is named by its /64."""

    network: str


Visitor: TypeAlias = Owner | Person | Anonymous

SCOPES_OF: Final[Mapping[Role, frozenset[Scope]]] = MappingProxyType(
    {
        Role.OWNER: frozenset(Scope),
        Role.PLAYER: frozenset(Scope) - {Scope.ADMIN},
        Role.VIEWER: frozenset({Scope.READ, Scope.ACCOUNT}),
    }
)


def has_scope(person: Person, scope: Scope) -> bool:
    return scope in person.scopes and scope in SCOPES_OF[person.role]


def owner_of(visitor: Visitor) -> UserId | None:
    """To whom belongs what a visitor makes. None: to whoever has the role of the owner."""
    return visitor.user_id if isinstance(visitor, Person) else None


def is_foreign(visitor: Visitor, owner: UserId | None) -> bool:
    """Whether something does not exist for a visitor, as it belongs to somebody else. `owner` is as of `owner_of`.

    An anonymous visitor finds what the rules let them see of the owner's, as where there are no accounts.
    """
    match visitor:
        case Owner():
            return False
        case Person(user_id):
            return owner != user_id and not has_scope(visitor, Scope.ADMIN)
        case Anonymous():
            return owner is not None
        case _:
            assert_never(visitor)


def sees_all(visitor: Visitor) -> bool:
    """Whether nothing is foreign to a visitor, whomever it belongs to."""
    return isinstance(visitor, Owner) or (isinstance(visitor, Person) and has_scope(visitor, Scope.ADMIN))


def standing(visitor: Visitor) -> int:
    """Who gives way to whom where there is room for one: the lower to the higher, and equals to each other."""
    match visitor:
        case Owner():
            return 2
        case Person():
            return 2 if has_scope(visitor, Scope.ADMIN) else 1
        case Anonymous():
            return 0
        case _:
            assert_never(visitor)


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
class Open:
    """Answered also where nobody has signed in, so that they can."""


@dataclass(frozen=True, slots=True)
class ByLink:
    """Answered to whoever shows a link, which is the permission itself; also where a token is asked for."""


@dataclass(frozen=True, slots=True)
class ForEveryone:
    """For people with `scope`, and for anonymous visitors."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class IfAllowed:
    """For people with `scope`, and for anonymous visitors where the owner allows all of these `actions` to them."""

    scope: Scope
    actions: tuple[AnonymousAction, ...]


@dataclass(frozen=True, slots=True)
class ForPeople:
    """For people with `scope`, and the owner of the machine."""

    scope: Scope


Rule: TypeAlias = Open | ByLink | ForEveryone | IfAllowed | ForPeople

_OPEN: Final = Open()
_BY_LINK: Final = ByLink()
_READ: Final = ForEveryone(Scope.READ)
_PLAY: Final = ForEveryone(Scope.PLAY)
_ASK: Final = ForEveryone(Scope.CREATE)
OWNERS: Final = ForPeople(Scope.ADMIN)
_OWN_ACCOUNT: Final = ForPeople(Scope.ACCOUNT)
_UPLOADS: Final = IfAllowed(Scope.CREATE, (AnonymousAction.UPLOADS,))
_RECORDINGS: Final = IfAllowed(Scope.READ, (AnonymousAction.RECORDINGS,))
_RECORDING_PLAY: Final = IfAllowed(Scope.PLAY, (AnonymousAction.RECORDINGS,))
_WORLDS: Final = IfAllowed(Scope.READ, (AnonymousAction.WORLDS,))
_WORLD_PLAY: Final = IfAllowed(Scope.PLAY, (AnonymousAction.WORLDS,))
_DELETIONS: Final = IfAllowed(Scope.MANAGE, (AnonymousAction.DELETIONS,))
_WORLD_UPLOADS: Final = IfAllowed(Scope.CREATE, (AnonymousAction.WORLDS, AnonymousAction.UPLOADS))
# A name that is given away is lost to whoever knew it, so that renaming counts as deleting.
_WORLD_DELETIONS: Final = IfAllowed(Scope.MANAGE, (AnonymousAction.WORLDS, AnonymousAction.DELETIONS))
_RECORDING_FINISH: Final = IfAllowed(Scope.MANAGE, (AnonymousAction.RECORDINGS,))
_RECORDING_DELETIONS: Final = IfAllowed(Scope.MANAGE, (AnonymousAction.RECORDINGS, AnonymousAction.DELETIONS))
# Who may have scenes made may see what is being made; anonymous visitors are not told apart by who wanted a job.
_JOBS: Final = IfAllowed(Scope.READ, (AnonymousAction.UPLOADS,))
_FILMS: Final = _JOBS  # and see the films of the server, and what they are made from
_JOB_CANCELS: Final = IfAllowed(Scope.CREATE, (AnonymousAction.UPLOADS, AnonymousAction.DELETIONS))
_JOB_DELETIONS: Final = IfAllowed(Scope.MANAGE, (AnonymousAction.UPLOADS, AnonymousAction.DELETIONS))

# Anonymous visitors are not told apart, so that no session and no feedback would be one's own.
_OWN_SESSIONS: Final = ForPeople(Scope.READ)
_OWN_WORDS: Final = ForPeople(Scope.READ)
_OWN_PLAY: Final = ForPeople(Scope.PLAY)
OWN_PICTURES: Final = ForPeople(Scope.CREATE)  # of what a session shows, for those who are not in it

# By method and path, as in `_routes/`; HEAD counts as GET.
ROUTES: Final[Mapping[tuple[str, str], Rule]] = MappingProxyType(
    {
        ("GET", "/health"): _OPEN,
        ("GET", "/ws"): _PLAY,  # what is asked for in the session has rules of its own
        ("POST", "/mcp"): _PLAY,  # each tool asks for what it does as /ws or REST would
        ("DELETE", "/mcp"): _PLAY,
        ("GET", "/watch"): _BY_LINK,
        ("GET", "/api/watch"): _BY_LINK,
        ("GET", "/openapi.json"): _READ,
        ("GET", "/metrics"): OWNERS,
        ("POST", "/shutdown"): OWNERS,
        ("GET", "/api/system-info"): _READ,
        ("GET", "/api/doctor"): OWNERS,
        ("PUT", "/api/loaded-models/{model_id:path}"): OWNERS,
        ("DELETE", "/api/loaded-models/{model_id:path}"): OWNERS,
        ("GET", "/api/models"): _READ,
        ("GET", "/api/model-info/{model_id:path}"): _READ,
        ("DELETE", "/api/cached-model/{model_id:path}"): OWNERS,
        ("GET", "/api/library"): _READ,
        ("DELETE", "/api/library/{model_id:path}"): OWNERS,
        ("GET", "/api/seeds"): _READ,
        ("POST", "/api/seeds"): _UPLOADS,
        ("GET", "/api/seeds/{seed_hash}/image"): _READ,
        ("GET", "/api/seeds/{seed_hash}/thumbnail"): _READ,
        ("DELETE", "/api/seeds/{seed_hash}"): _DELETIONS,
        ("GET", "/api/scenes"): _READ,
        ("DELETE", "/api/scenes/{seed_hash}"): _DELETIONS,
        ("GET", "/api/recordings"): _RECORDINGS,
        ("GET", "/api/recordings/{name}"): _RECORDINGS,
        ("GET", "/api/recordings/{name}/video"): _RECORDINGS,
        ("GET", "/api/recordings/{name}/thumbnail"): _RECORDINGS,
        ("POST", "/api/recordings/{name}/finish"): _RECORDING_FINISH,
        ("PATCH", "/api/recordings/{name}"): _RECORDING_DELETIONS,
        ("DELETE", "/api/recordings/{name}"): _RECORDING_DELETIONS,
        ("GET", "/api/worlds"): _WORLDS,
        ("POST", "/api/worlds"): _WORLD_UPLOADS,
        ("GET", "/api/worlds/{world_id}/file"): _WORLDS,
        ("GET", "/api/worlds/{world_id}/thumbnail"): _WORLDS,
        ("PATCH", "/api/worlds/{world_id}"): _WORLD_DELETIONS,
        ("DELETE", "/api/worlds/{world_id}"): _WORLD_DELETIONS,
        ("GET", "/api/jobs"): _JOBS,
        ("POST", "/api/jobs"): _ASK,  # each kind of job has a rule of its own
        ("GET", "/api/jobs/{job_id}"): _JOBS,
        ("GET", "/api/jobs/{job_id}/file"): _WORLDS,
        ("GET", "/api/jobs/{job_id}/events"): _JOBS,
        ("GET", "/api/jobs/{job_id}/stream"): _JOBS,
        ("GET", "/api/events"): _JOBS,
        ("POST", "/api/jobs/{job_id}/cancel"): _JOB_CANCELS,
        ("POST", "/api/jobs/{job_id}/retry"): _UPLOADS,
        ("DELETE", "/api/jobs/{job_id}"): _JOB_DELETIONS,
        ("GET", "/api/video/specs"): _READ,
        ("GET", "/api/video/films"): _FILMS,
        ("POST", "/api/video/words"): _UPLOADS,
        ("POST", "/api/video/pictures"): _UPLOADS,
        ("POST", "/api/video/sound"): _UPLOADS,
        ("POST", "/api/video/retake"): _UPLOADS,
        ("POST", "/api/video/extension"): _UPLOADS,
        ("POST", "/api/video/joining"): _UPLOADS,
        ("POST", "/api/video/control"): _UPLOADS,
        ("POST", "/api/video/upscale"): _UPLOADS,
        ("POST", "/api/video/again"): _UPLOADS,
        ("POST", "/api/video/walk-into"): _UPLOADS,
        ("GET", "/api/video/films/{film_id}"): _FILMS,
        ("POST", "/api/video/films/{film_id}/again"): _UPLOADS,
        ("POST", "/api/video/films/{film_id}/cancel"): _JOB_CANCELS,
        ("DELETE", "/api/video/films/{film_id}"): _JOB_DELETIONS,
        ("GET", "/api/video/films/{film_id}/content"): _FILMS,
        ("GET", "/api/video/films/{film_id}/thumbnail"): _FILMS,
        ("GET", "/api/video/films/{film_id}/preview"): _FILMS,
        ("GET", "/api/video/films/{film_id}/sprite"): _FILMS,
        ("GET", "/api/video/sources"): _FILMS,
        ("POST", "/api/video/sources"): _UPLOADS,
        ("GET", "/api/video/sources/{source_hash}"): _FILMS,
        ("GET", "/api/video/sources/{source_hash}/content"): _FILMS,
        ("DELETE", "/api/video/sources/{source_hash}"): _JOB_DELETIONS,
        ("GET", "/v1/videos"): _FILMS,
        ("POST", "/v1/videos"): _UPLOADS,
        ("GET", "/v1/videos/{video_id}"): _FILMS,
        ("DELETE", "/v1/videos/{video_id}"): _JOB_DELETIONS,
        ("GET", "/v1/videos/{video_id}/content"): _FILMS,
        ("POST", "/v1/videos/{video_id}/remix"): _UPLOADS,
        ("GET", "/api/feedback"): _OWN_WORDS,
        ("GET", "/api/feedback/export"): OWNERS,
        ("PUT", "/api/feedback/{kind}/{thing_id}"): _OWN_PLAY,
        ("GET", "/api/feedback/{kind}/{thing_id}"): _OWN_WORDS,
        ("DELETE", "/api/feedback/{kind}/{thing_id}"): _OWN_PLAY,
        ("GET", "/api/account"): _OPEN,
        ("POST", "/api/account/setup"): _OPEN,
        ("POST", "/api/account/sign-in"): _OPEN,
        ("POST", "/api/account/accept"): _OPEN,
        ("POST", "/api/account/sign-out"): _OPEN,
        ("POST", "/api/account/sign-out-everywhere"): _OWN_ACCOUNT,
        ("POST", "/api/account/password"): _OWN_ACCOUNT,
        ("GET", "/api/account/sessions"): _OWN_ACCOUNT,
        ("DELETE", "/api/account/sessions/{session_id}"): _OWN_ACCOUNT,
        ("GET", "/api/account/tokens"): _OWN_ACCOUNT,
        ("POST", "/api/account/tokens"): _OWN_ACCOUNT,
        ("DELETE", "/api/account/tokens/{token_id}"): _OWN_ACCOUNT,
        ("GET", "/api/people"): OWNERS,
        ("PATCH", "/api/people/{user_id}"): OWNERS,
        ("DELETE", "/api/people/{user_id}"): OWNERS,
        ("GET", "/api/invitations"): OWNERS,
        ("POST", "/api/invitations"): OWNERS,
        ("DELETE", "/api/invitations/{invitation_id}"): OWNERS,
        ("GET", "/api/settings"): OWNERS,
        ("PATCH", "/api/settings"): OWNERS,
        ("POST", "/api/settings/reload"): OWNERS,
        ("GET", "/api/sessions"): _OWN_SESSIONS,
        ("POST", "/api/sessions/{session_id}/moments"): _OWN_PLAY,
        ("GET", "/api/sessions/{session_id}/guests"): _OWN_PLAY,
        ("DELETE", "/api/sessions/{session_id}/guests/{guest}"): _OWN_PLAY,
        ("POST", "/api/sessions/{session_id}/moments/{moment_id}/restore"): _OWN_PLAY,
        ("POST", "/api/sessions/{session_id}/rewind"): _OWN_PLAY,
        ("POST", "/api/sessions/{session_id}/clip"): _OWN_PLAY,
        ("POST", "/api/sessions/{session_id}/world"): _OWN_PLAY,
        ("POST", "/api/sessions/{session_id}/picture"): OWN_PICTURES,
    }
)

# Below these there are no files of the page.
_FOR_PROGRAMS: Final = ("/api/", "/v1/")

# The page that a link opens, with every file that it is made of.
PAGE_OF_A_LINK: Final = frozenset(
    {
        "/canvas_view.js",
        "/connection.js",
        "/controls/control_sender.js",
        "/controls/controls.js",
        "/controls/gamepad.js",
        "/controls/held_buttons.js",
        "/controls/key_bindings.js",
        "/controls/keyboard.js",
        "/controls/look.js",
        "/controls/pointer.js",
        "/controls/touch.js",
        "/dom.js",
        "/envelope.js",
        "/favicon.svg",
        "/frame_player.js",
        "/h264.js",
        "/pacer.js",
        "/settings.js",
        "/styles/base.css",
        "/styles/colours.css",
        "/styles/watch.css",
        "/texts/en/common.js",
        "/texts/en/en.js",
        "/texts/en/lists.js",
        "/texts/en/people.js",
        "/texts/en/play.js",
        "/texts/en/server.js",
        "/texts/en/studio.js",
        "/texts/page.js",
        "/texts/texts.js",
        "/video_choice.js",
        "/video_pictures.js",
        "/video_worker.js",
        "/watch.html",
        "/watch.js",
        "/watch_link.js",
        "/watch_texts.js",
    }
)

# By the type of a request in a session. What is no request steers the world in play, which /ws needs as well.
REQUESTS: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "init": _PLAY,
        "check_seed_safety": _PLAY,
        # Scenes in words are pictures that come in like uploads, and they are made at the owner's expense.
        "scene_edit": _UPLOADS,
        "generate_scene": _UPLOADS,
        "step": _PLAY,
        "look": _PLAY,
        "take_moment": _PLAY,
        "restore_moment": _PLAY,
        "set_prompt": _PLAY,
        "rewind": _PLAY,
        "video": _PLAY,
        "save_world": _WORLD_PLAY,
        "recording": _RECORDING_PLAY,
        "keep_clip": _RECORDING_PLAY,
        "keep_picture": _UPLOADS,
        "share": _PLAY,
        "stop_sharing": _PLAY,
        "answer_guest": _PLAY,
        "send_away": _PLAY,
        "take_controls": _PLAY,
    }
)

# By the kind of a job.
JOBS: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "scene": _UPLOADS,
        "replay_film": IfAllowed(Scope.CREATE, (AnonymousAction.WORLDS,)),
        "scripted_run": IfAllowed(Scope.CREATE, (AnonymousAction.WORLDS,)),
        "video": _UPLOADS,
        "model": OWNERS,
        "benchmark": OWNERS,
    }
)

# What an `init` may ask for beside a world.
INIT_WORLD_ID: Final = _WORLD_PLAY  # it reads a saved world; without the right to it, the `init` is refused
INIT_RECORDING: Final = _RECORDING_PLAY  # the world is played without it
INIT_ACTION_LOGGING: Final = _RECORDING_PLAY  # a log of inputs is kept as a recording is
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
_FOR_OWNERS: Final = AccessRefusal(
    ErrorCode.ROLE_NOT_ALLOWED, "This is for owners of the server, whose role you do not have."
)
_NOT_FOR_VIEWERS: Final = AccessRefusal(
    ErrorCode.ROLE_NOT_ALLOWED,
    "A viewer may look, but neither play nor change anything. An owner of the server can make you a player.",
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
    match visitor:
        case Owner():
            return None
        case Person():
            return None if isinstance(rule, Open | ByLink) else _refusal_of_person(visitor, rule.scope)
        case Anonymous():
            return _refusal_of_anonymous(rule, allowed)
        case _:
            assert_never(visitor)


def _refusal_of_person(person: Person, scope: Scope) -> AccessRefusal | None:
    if scope not in SCOPES_OF[person.role]:
        return _FOR_OWNERS if scope is Scope.ADMIN else _NOT_FOR_VIEWERS
    if scope not in person.scopes:
        granted = ", ".join(sorted(person.scopes)) or "nothing"
        needed = "somebody to sign in" if scope is Scope.ACCOUNT else f"the scope {scope.value}"
        return AccessRefusal(ErrorCode.SCOPE_MISSING, f"This needs {needed}; the token that was sent has {granted}.")
    return None


def _refusal_of_anonymous(rule: Rule, allowed: Collection[AnonymousAction]) -> AccessRefusal | None:
    match rule:
        case Open() | ByLink() | ForEveryone():
            return None
        case ForPeople():
            return _LOCAL_ONLY
        case IfAllowed(_, actions):
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
        if asked == "GET" and plain in PAGE_OF_A_LINK:
            return _BY_LINK
        found = next((rule for known, route, rule in self._known if known == asked and route.fullmatch(plain)), None)
        return found or (OWNERS if f"{plain}/".startswith(_FOR_PROGRAMS) else _OPEN)


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]*\})", path)
    return re.compile("".join(_part(part) for part in parts), re.DOTALL)


def _part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return ".+" if part.endswith(":path}") else "[^/]+"
