"""What the pages look like, and what a browser may do with them: nothing but show and send."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from starlette.responses import HTMLResponse, Response

_STYLE = """
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff;
  max-width: 28rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; }
h2 { font-size: 1.1rem; margin-top: 2rem; }
label { display: block; margin-top: 1rem; font-weight: 600; }
input { display: block; width: 100%; font: inherit; padding: .5rem; margin-top: .25rem;
  border: 1px solid #767676; border-radius: .25rem; }
.hint { color: #555; font-size: .9rem; margin: .25rem 0 0; }
.alert { border-left: .25rem solid #b00020; padding: .5rem .75rem; background: #fdf0f1; }
button, .button { display: inline-block; font: inherit; margin-top: 1rem; padding: .5rem 1.25rem;
  border: 1px solid #1f4fd8; border-radius: .25rem; background: #1f4fd8; color: #fff;
  text-decoration: none; cursor: pointer; }
button.quiet { background: #fff; color: #1f4fd8; margin-top: .25rem; }
:focus-visible { outline: .2rem solid #0b1f66; outline-offset: .1rem; }
ul { list-style: none; padding: 0; }
li { border-top: 1px solid #ccc; padding: .75rem 0; }
code { font-size: 1.05rem; }
summary { margin-top: 2rem; cursor: pointer; color: #1f4fd8; }
.qr svg { display: block; max-width: 100%; }
hr { border: 0; border-top: 1px solid #ccc; margin: 2rem 0; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'self'"
    ),
    "Cache-Control": "no-store",
    # An address may hold an invitation; our own forms must still be known to be ours.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Guilder</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{alert}{body}
</main>
</body>
</html>
"""


def page(title: str, body: str, status: int = 200, alert: str | None = None) -> Response:
    """`body` is HTML, the rest is text."""
    shown = f'<p class="alert" role="alert">{escape(alert)}</p>\n' if alert else ""
    text = _PAGE.format(title=escape(title), style=_STYLE, alert=shown, body=body)
    return HTMLResponse(text, status, _HEADERS)


def redirect(address: str) -> Response:
    return Response(status_code=303, headers={**_HEADERS, "Location": address})


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>\n"


def link(address: str, text: str) -> str:
    return f'<p><a class="button" href="{escape(address)}">{escape(text)}</a></p>\n'


def hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">\n'


def field(
    name: str,
    label: str,
    kind: str = "text",
    *,
    autocomplete: str,
    hint: str = "",
    required: bool = True,
    more: str = "",
) -> str:
    """`more` are further attributes, as HTML."""
    described = f' aria-describedby="{name}-hint"' if hint else ""
    needed = " required" if required else ""
    shown = f'<p class="hint" id="{name}-hint">{escape(hint)}</p>\n' if hint else ""
    return (
        f'<label for="{name}">{escape(label)}</label>\n'
        f'<input id="{name}" name="{name}" type="{kind}" autocomplete="{autocomplete}"'
        f"{needed}{described}{more}>\n{shown}"
    )


def form(action: str, body: str, button: str, *, quiet: bool = False) -> str:
    """`body` is HTML."""
    kind = ' class="quiet"' if quiet else ""
    return (
        f'<form method="post" action="{escape(action)}">\n{body}'
        f"<button{kind}>{escape(button)}</button>\n</form>\n"
    )


def folded(summary: str, body: str, *, unfolded: bool = False) -> str:
    """`body`, which is HTML, behind a line that shows it."""
    state = " open" if unfolded else ""
    return f"<details{state}>\n<summary>{escape(summary)}</summary>\n{body}</details>\n"
