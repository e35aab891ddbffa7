"""What a statement is about: nothing is seen of people but what it names (docs/isolation.md).

Each statement names it anew, by the argument that its own condition takes too: should it forget
the condition, the database keeps it.
"""

from __future__ import annotations

from guilder_server.people.domain import person as people
from guilder_server.postgres.isolation import About

# Whoever runs the server, looking at who is a member of what.
EVERYBODY: About = ("everybody",)


def account(id: str) -> About:
    """Its members and invitations, its tenants, and itself."""
    return "account", id


def person(id: str) -> About:
    """They themselves, with their identities, sessions, memberships, the accounts of these, their
    recovery codes and their link for a new password."""
    return "person", id


def email(address: str) -> About:
    """Who has it, and the invitations to it."""
    return "email", address


def identity(known: people.Identity) -> About:
    """Whom a provider knows by it."""
    return "identity", known.issuer, known.subject


def digest(hashed: bytes) -> About:
    """What is kept under it: a session, with its person, an invitation, a link for a new password,
    a state or a count."""
    return "hash", hashed.hex()
