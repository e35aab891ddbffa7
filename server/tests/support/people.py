"""People of an account, as tests need them: members, and browsers that are signed in.

`Visitor` is a browser without a screen: it keeps cookies, follows redirects and fills forms in.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any, TypeVar

import httpx
import psycopg
import pyotp

from guilder_server.kernel.actor import Actor
from guilder_server.people import assembly
from guilder_server.people.assembly import Populace
from guilder_server.people.domain.person import Member, User
from guilder_server.people.domain.roles import Role
from guilder_server.people.domain.session import Visitor as Browsing
from guilder_server.people.flows.inviting import By
from guilder_server.people.flows.sessions import begin
from guilder_server.settings import Settings
from tests.support.api import PEPPER, SEALING_KEY, Answer, differences

T = TypeVar("T")
OPERATOR = By(Actor("operator", "tests"), "operator")
SOMEWHERE = Browsing("a browser", "192.0.2.1", "Tests")
PASSWORD = "correct horse battery staple"
_FIELD = re.compile(r'<input type="hidden" name="([a-z]+)" value="([^"]*)">')


def add_member(database_url: str, account: str, role: str = "viewer") -> str:
    """Somebody who has never signed in."""
    id = f"user_{uuid.uuid4().hex[:24]}"
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO users (id, created, email) VALUES (%s, now(), %s)",
            (id, f"{id}@example.com"),
        )
        connection.execute(
            "INSERT INTO memberships (account_id, user_id, role, created) "
            "VALUES (%s, %s, %s, now())",
            (account, id, role),
        )
    return id


def with_people(database_url: str, public_url: str, ask: Callable[[Populace], Awaitable[T]]) -> T:
    """One thing done with the people of a database, as a command would."""
    settings = Settings(key_pepper=PEPPER, sealing_key=SEALING_KEY)
    return asyncio.run(assembly.with_people(database_url, settings, public_url, ask))


def invite(
    database_url: str, public_url: str, account: str, email: str, role: str = "owner"
) -> str:
    """The link of an invitation."""
    seen = with_people(
        database_url,
        public_url,
        lambda people: people.inviting.invite(OPERATOR, account, email, role),
    )
    assert seen.url is not None
    return seen.url


def begun_sessions(
    database_url: str, public_url: str, account: str, roles: Sequence[Role]
) -> dict[str, dict[str, str]]:
    """The headers of somebody signed in for each role, without the pages."""

    async def begin_all(people: Populace) -> dict[str, dict[str, str]]:
        tools, found = people.tools, {}
        for role in roles:
            user = User(tools.ids.new("user"), tools.clock.now(), f"{uuid.uuid4().hex}@example.com")
            async with tools.store.transaction() as books:
                await books.add_user(user)
                await books.put_member(Member(account, role, tools.clock.now(), user))
                new = await begin(tools, books, user, SOMEWHERE, "provider")
            found[role] = {
                "Cookie": f"guilder_session={new.token}",
                "Origin": public_url,
                "X-CSRF-Token": people.sessions.csrf_token(new.session.id),
            }
        return found

    return with_people(database_url, public_url, begin_all)


@dataclass
class Visitor:
    """A browser that reads pages: `page` is the last one."""

    url: str
    client: httpx.Client = field(init=False)
    page: str = ""
    status: int = 0
    at: str = ""
    csrf: str = ""

    def __post_init__(self) -> None:
        self.client = httpx.Client(
            base_url=self.url, verify=False, timeout=30, follow_redirects=True
        )

    def visit(self, address: str) -> Visitor:
        return self._saw(self.client.get(address))

    def send(self, path: str, **fields: str) -> Visitor:
        """A form of the last page, with its hidden fields and with these filled in."""
        hidden = {name: unescape(value) for name, value in _FIELD.findall(self.page)}
        origin = {"Origin": self.url}
        return self._saw(self.client.post(path, data=hidden | fields, headers=origin))

    def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, **params: Any
    ) -> Answer:
        """The API, with the cookie and, after `learn_csrf`, its token."""
        sent = {"Origin": self.url, "X-CSRF-Token": self.csrf} | (headers or {})
        how = {"params": params} if method == "GET" else {"data": params}
        response = self.client.request(method, path, headers=sent, **how)
        body = response.json()
        found = differences(method, path, response.status_code, body)
        assert not found, f"{method} {path} answered {response.status_code} with {found}"
        return Answer(response.status_code, body, response.headers, response.content)

    def learn_csrf(self) -> dict[str, Any]:
        current = self.ask("GET", "/v1/sessions/current")
        assert current.status == 200, current.body
        self.csrf = current["csrf_token"]
        found: dict[str, Any] = current.body
        return found

    @property
    def secret(self) -> str:
        """The key on the page that sets codes up."""
        found = re.search(r'<code id="secret">([A-Z2-7 ]+)</code>', self.page)
        assert found is not None, self.page
        return found[1].replace(" ", "")

    @property
    def recovery_codes(self) -> list[str]:
        """Those that the page shows."""
        return re.findall(r"<code>((?:[0-9A-Z]{4}-){3}[0-9A-Z]{4})</code>", self.page)

    def _saw(self, response: httpx.Response) -> Visitor:
        self.page, self.status, self.at = response.text, response.status_code, str(response.url)
        return self


def joined(database_url: str, url: str, account: str, role: str = "owner") -> tuple[Visitor, str]:
    """Somebody who has taken an invitation with a password and is signed in; their email."""
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    link = invite(database_url, url, account, email, role)
    visitor = Visitor(url)
    visitor.visit(link)
    visitor.send(f"{link}/password", name="Ada", password=PASSWORD, again=PASSWORD)
    visitor.send("/sign-in/code", code=pyotp.TOTP(visitor.secret).now())
    assert len(visitor.recovery_codes) == 10, visitor.page
    visitor.visit("/me")
    assert "You are signed in as" in visitor.page, visitor.page
    visitor.learn_csrf()
    return visitor, email
