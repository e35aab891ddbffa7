"""What a browser is given to be known again, and what it sends."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from guilder_server.http.app import read_body
from guilder_server.http.origin import Origins
from guilder_server.kernel.errors import Forbidden, InvalidRequest
from guilder_server.people.domain import tokens
from guilder_server.people.domain.session import LONGEST_AGENT, NewSession, Visitor

_LARGEST_FORM = 16_384
_MOST_FIELDS = 20
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Browser:
    """Cookies over TLS have names that only this host can set; on this machine, for development,
    there is no TLS and they have plain ones."""

    def __init__(self, public_url: str, pepper: bytes, origins: Origins) -> None:
        parts = urlsplit(public_url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.secure = parts.scheme == "https"
        # Over plain HTTP a session could be read by whoever is on the way.
        self.trusted = self.secure or parts.hostname in _LOOPBACK
        prefix = "__Host-" if self.secure else ""
        self.session_cookie = f"{prefix}guilder_session"
        self._sign_in_cookie = f"{prefix}guilder_sign_in"
        self._pepper, self._origins = pepper, origins

    def meant(self, request: Request) -> str | None:
        """On this machine `localhost` and `127.0.0.1` are two hosts with cookies of their own: the
        address at which a page of the other one is found."""
        host = f"http://{request.headers.get('host', '')}"
        if self.secure or request.method != "GET" or host == self.origin:
            return None
        query = f"?{request.url.query}" if request.url.query else ""
        return f"{self.origin}{request.url.path}{query}"

    def visitor(self, request: Request) -> tuple[Visitor, bool]:
        """Who comes, and whether they must yet be given what they are known by."""
        held = request.cookies.get(self._sign_in_cookie, "")
        new = len(held) != tokens.LENGTH
        peer = request.client.host if request.client else None
        address = self._origins.of(peer, ", ".join(request.headers.getlist("x-forwarded-for")))
        agent = "".join(
            each for each in request.headers.get("user-agent", "") if each.isprintable()
        )
        return Visitor(tokens.new() if new else held, address, agent[:LONGEST_AGENT] or None), new

    def session(self, request: Request) -> str | None:
        return request.cookies.get(self.session_cookie) or None

    def form_token(self, visitor: Visitor) -> str:
        return tokens.digest(self._pepper, "form", visitor.browser).hex()

    def require_own_form(self, request: Request, sent: str, wanted: str) -> None:
        """Raises Forbidden for what a page of somebody else has sent."""
        origin = request.headers.get("origin")
        if (origin is not None and origin != self.origin) or not tokens.same(sent, wanted):
            raise Forbidden(
                "This form is no longer good, or cookies are off. Go back, load the page again "
                "and repeat what you did."
            )

    def give_visitor(self, response: Response, visitor: Visitor) -> None:
        self._give(response, self._sign_in_cookie, visitor.browser)

    def give_session(self, response: Response, new: NewSession) -> None:
        self._give(response, self.session_cookie, new.token)

    def take_session(self, response: Response) -> None:
        response.delete_cookie(
            self.session_cookie, path="/", secure=self.secure, httponly=True, samesite="lax"
        )

    def _give(self, response: Response, name: str, value: str) -> None:
        """Until the browser is closed; the server knows when a session ends."""
        response.set_cookie(
            name, value, path="/", secure=self.secure, httponly=True, samesite="lax"
        )


async def sent_form(request: Request) -> dict[str, str]:
    """The fields, the first of each name. Raises InvalidRequest for what no page of ours sends, and
    ClientGone."""
    length = request.headers.get("content-length")
    body = await read_body(request.receive, None if length is None else length.encode())
    if len(body) > _LARGEST_FORM:
        raise _unreadable()
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise _unreadable() from None
    return dict(reversed(pairs))


def _unreadable() -> InvalidRequest:
    return InvalidRequest("parameter_invalid", "The form could not be read.")
