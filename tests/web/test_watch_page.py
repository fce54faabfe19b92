"""The page that a link opens is answered to strangers with every file that it is made of, and with no other."""

from __future__ import annotations

import re
from posixpath import dirname, join, normpath
from typing import TYPE_CHECKING, Final

import pytest

from access_rules import PAGE_OF_A_LINK
from runtime_config.runtime_config import AccessConfig
from tests.play.harness import play_server
from tests.web.node_tools import WEB

if TYPE_CHECKING:
    from collections.abc import Iterator

_IMPORT: Final = re.compile(r'^(?:import|export)\b[^;]*?"(\.[^"]+)"|new URL\("(\.[^"]+\.js)", import', re.MULTILINE)
_LINK: Final = re.compile(r'(?:href|src)="([^"]+)"')


def _made_of(path: str) -> Iterator[str]:
    text = (WEB / path).read_text(encoding="utf-8")
    if path.endswith(".html"):
        yield from _LINK.findall(text)
    elif path.endswith(".js"):
        for first, second in _IMPORT.findall(text):
            yield normpath(join(dirname(path), first or second))


def test_a_stranger_gets_the_page_and_all_of_it() -> None:
    found, left = set[str](), ["watch.html"]
    while left:
        path = left.pop()
        if path not in found:
            found.add(path)
            left += _made_of(path)
    assert {f"/{path}" for path in found} == PAGE_OF_A_LINK


@pytest.mark.parametrize("path", ["/", "/main.js", "/app.js", "/index.html", "/session.js"])
def test_a_stranger_gets_nothing_else_of_the_page_where_a_token_is_asked_for(path: str) -> None:
    with play_server(access=AccessConfig(token="a-token-of-sixteen")) as server:
        assert server.http.get(path).status_code == 401
        assert server.http.get("/watch.html").status_code == 200
        assert server.http.post("/watch.html").status_code == 401
