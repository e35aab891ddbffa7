"""What is secret about signing in is in no line of the log."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.requests import Request

from guilder_server.http import app
from guilder_server.http.errors import HttpRefusal
from guilder_server.people.pages.browser import sent_form
from tests.people.provider import Provider
from tests.support.api import ApiServer
from tests.support.people import PASSWORD, Visitor, invite


@pytest.mark.usefixtures("api_server")
def test_a_line_for_a_request_tells_no_link_no_code_and_no_query() -> None:
    log, lines = logging.getLogger("uvicorn.access"), []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler = Kept()
    log.addHandler(handler)
    level = log.level
    log.setLevel(logging.INFO)
    try:
        for path in (
            "/invitations/TOKEN/provider",
            "/new-password/TOKEN",
            "/sign-in/callback?state=STATE&code=CODE",
            "/v1/payment_intents/pi_1?client_secret=SECRET",
        ):
            log.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "GET", path, "1.1", 200)
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
    assert [line.split()[3] for line in lines] == [
        "/invitations/…/provider",
        "/new-password/…",
        "/sign-in/callback",
        "/v1/payment_intents/pi_1",
    ]


def test_a_browser_that_goes_away_in_the_middle_of_a_form_is_no_fault(
    api_server: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    gone = b"POST /sign-in/password HTTP/1.1\r\nHost: guilder\r\nContent-Length: 100\r\n\r\nemail=a"
    with socket.create_connection(("127.0.0.1", urlsplit(api_server.url).port or 0)) as line:
        line.sendall(gone)
        time.sleep(0.1)
    visitor = Visitor(api_server.url)
    for _ in range(5):
        assert visitor.visit("/sign-in").status == 200
        time.sleep(0.05)
    assert [one for one in caplog.records if one.exc_info] == []


async def test_a_form_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "BODY_DEADLINE_S", 0.05)

    async def endlessly() -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"a", "more_body": True}

    with pytest.raises(HttpRefusal, match="did not arrive in time"):
        await sent_form(Request({"type": "http", "headers": []}, endlessly))


def test_a_refused_sign_in_is_logged_without_what_was_sent(
    api_server: ApiServer, account: str, provider: Provider, capfd: pytest.CaptureFixture[str]
) -> None:
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    link = invite(api_server.database_url, api_server.url, account, email)
    visitor = Visitor(api_server.url).visit("/sign-in")
    visitor.send("/sign-in/password", email=email, password=PASSWORD)
    provider.signs_in(email)
    provider.token = lambda claims: provider.signed(claims | {"nonce": "another"})
    visitor.visit(f"{link}/provider")
    said = "".join(capfd.readouterr())
    assert '"reason": "password_wrong"' in said
    assert '"reason": "token_nonce"' in said
    for secret in (email, PASSWORD, "eyJ", link.rpartition("/")[2]):
        assert secret not in said
