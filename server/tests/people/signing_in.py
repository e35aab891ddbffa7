"""Somebody who signs in with a password, as several tests need them."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg
import pyotp

from tests.support.api import ApiServer
from tests.support.people import PASSWORD, Visitor, invite


@dataclass(frozen=True)
class Person:
    """`paper` are their recovery codes; they have signed in and out."""

    email: str
    codes: pyotp.TOTP
    paper: list[str]


def new_person(server: ApiServer, account: str) -> Person:
    visitor = Visitor(server.url)
    email = f"p{time.monotonic_ns()}@example.com"
    link = invite(server.database_url, server.url, account, email)
    visitor.visit(link).send(f"{link}/password", name="Ada", password=PASSWORD, again=PASSWORD)
    codes = pyotp.TOTP(visitor.secret)
    paper = visitor.send("/sign-in/code", code=codes.now()).recovery_codes
    assert "You are signed in as" in visitor.visit("/me").page
    visitor.send("/me/sign-out")
    return Person(email, codes, paper)


def with_password(server: ApiServer, email: str, password: str = PASSWORD) -> Visitor:
    visitor = Visitor(server.url)
    return visitor.visit("/sign-in").send("/sign-in/password", email=email, password=password)


def signed_in(server: ApiServer, person: Person, at: int = 0) -> Visitor:
    """With one of their recovery codes, so that no code of half a minute is spent."""
    visitor = with_password(server, person.email)
    visitor.send("/sign-in/recovery-code", recovery_code=person.paper[at])
    assert "You are signed in as" in visitor.page, visitor.page
    visitor.learn_csrf()
    return visitor


def changed(server: ApiServer, statement: str, *parameters: object) -> None:
    with psycopg.connect(server.database_url) as connection:
        connection.execute(statement, parameters)
