"""The page that asks for the server's token: it needs no other file, as whoever sees it may not load any."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from types import MappingProxyType
from typing import Final

_STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
:root { --text: light-dark(#14211b, #e9f0eb); --accent: light-dark(#14694a, #9bdcbb); }
* { box-sizing: border-box; }
body { display: grid; min-height: 100vh; margin: 0; padding: 24px; }
body { background: light-dark(#f3f6f4, #0b0f0e); color: var(--text); }
main { width: min(100%, 23rem); margin: auto; }
h1 { margin: 0 0 .5rem; font-size: 1.9rem; line-height: 1.1; letter-spacing: -.02em; }
p { margin: 0 0 1rem; color: light-dark(#4d5f56, #9aaba2); }
a { color: var(--accent); }
label { display: block; margin-bottom: .35rem; }
input, button { width: 100%; min-height: 44px; padding: .5em .8em; border-radius: 12px; font: inherit; }
input { border: 1px solid light-dark(#0b1a1366, #ffffff33); background: light-dark(#fff, #060a08); color: inherit; }
input:focus-visible, button:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; }
button { margin: 1rem 0; border: 0; background: var(--accent); color: light-dark(#fff, #0b1a13); }
button { font-weight: 600; cursor: pointer; }
[role=alert] { padding: .7em 1em; border: 1px solid light-dark(#a02f1b59, #f0a08f59); border-radius: 12px; }
[role=alert] { background: light-dark(#a02f1b1f, #f0a08f1f); color: var(--text); }
"""

# The link is for people who came from another site: on that visit the browser does not send the new cookie yet.
_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Terrarium: token needed</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>This server asks for a token</h1>
{problem}<p>It is the one that the server was started with. The browser will remember it.</p>
<form method="get" action="/">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Open</button>
</form>
<p>Just logged in? <a href="/">Continue</a>.</p>
</main>
</body>
</html>
"""

_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
TOKEN_PAGE_HEADERS: Final = MappingProxyType({"Content-Security-Policy": _POLICY})


def token_page(problem: str | None) -> str:
    """`problem`: what is wrong with the token that was given; None if there was none."""
    alert = "" if problem is None else f'<p role="alert">{escape(problem)}</p>\n'
    return _PAGE.format(style=_STYLE, problem=alert)
