"""`terrarium doctor`: what will run on this machine and what will not, also where the server itself does not start."""

from __future__ import annotations

import http.client
import json
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from handlers.doctor.check import Bad, Check, Good, Report, Warned
from handlers.doctor.port import PortFree, PortServed, PortTaken
from handlers.doctor.response import response_of, state_of
from network.listening_socket import create_listening_socket
from runtime_config.launch_error import LaunchError
from runtime_config.web_origin import is_wildcard_host

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handlers.doctor.port import PortState

_HELP: Final = """usage: terrarium doctor [--json] [FLAG ...]

Say what will run on this machine and what will not, each with what mends it. It changes nothing, and works beside a
running server. Give it the flags that the server is started with; `terrarium --help` lists them.

  --json  as JSON, for scripts: what GET /api/doctor answers

It ends with 0 when everything will run, warnings included, and with 1 when something will not.
"""


_ANSWER_LIMIT_S: Final = 3.0
_LONGEST_ANSWER: Final = 1 << 20


def run_doctor(arguments: Sequence[str], examine: Callable[[Sequence[str]], Report]) -> int:
    """The exit status. `examine` gets the flags of the server.

    Raises:
        LaunchError: not even the data folder can be told.
    """
    if {"-h", "--help"} & set(arguments):
        _say(_HELP.rstrip())
        return 0
    report = _examined(examine, [argument for argument in arguments if argument != "--json"])
    _say(response_of(report).model_dump_json(indent=2) if "--json" in arguments else as_text(report))
    return 0 if report.is_good else 1


def port_state(host: str, port: int) -> PortState:
    """Whether a server could listen there. Port 0 is any free one. Blocks for some seconds at most."""
    try:
        create_listening_socket(host, port).close()
    except LaunchError as error:
        return PortServed(host, port) if _answers(host, port) else PortTaken(error.message)
    return PortFree(host, port)


def _answers(host: str, port: int) -> bool:
    """Whether it is a Terrarium that listens there."""
    here = "127.0.0.1" if is_wildcard_host(host) else host
    try:
        with closing(http.client.HTTPConnection(here, port, timeout=_ANSWER_LIMIT_S)) as connection:
            connection.request("GET", "/health")
            health: Any = json.loads(connection.getresponse().read(_LONGEST_ANSWER))
    except (OSError, http.client.HTTPException, ValueError):
        return False
    return isinstance(health, dict) and "world_engine" in health


def _examined(examine: Callable[[Sequence[str]], Report], flags: Sequence[str]) -> Report:
    try:
        return examine(flags)
    except ImportError as error:  # then no service can be asked, and this is what to mend first
        finding = Bad(
            f"The package {error.name} cannot be imported, so that the server does not start.",
            "Install the server again, which installs what it needs: pip install --force-reinstall terrarium, or make"
            " install in a checkout.",
        )
        return Report((Check("packages", "Packages", finding),))


def as_text(report: Report) -> str:
    """A line for each check, and below it what to do."""
    width = max(len(check.title) for check in report.checks)
    lines = [line for check in report.checks for line in _lines(check, width)]
    return "\n".join([*lines, "", _conclusion(report)])


def _lines(check: Check, width: int) -> list[str]:
    mark = {"good": "ok  ", "warning": "warn", "bad": "BAD "}[state_of(check.finding)]
    first = f"{mark}  {check.title:<{width}}  {check.finding.found}"
    if isinstance(check.finding, Good):
        return [first]
    return [first, f"{'':4}  {'':<{width}}  -> {check.finding.mend}"]


def _conclusion(report: Report) -> str:
    bad = [check.title for check in report.checks if isinstance(check.finding, Bad)]
    if bad:
        return f"What will not run, or keeps something from running: {', '.join(bad)}."
    warned = sum(isinstance(check.finding, Warned) for check in report.checks)
    return "Everything will run." if not warned else f"What is set up will run. Warnings: {warned}."


def _say(text: str) -> None:
    print(text, file=sys.stdout, flush=True)  # noqa: T201 -- addressed to the person
