"""People who were there before come in by one way: by their provider, or with a password."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from guilder_server.postgres.migrate import upgrade
from tests.support.postgres import TestDatabases

_BEFORE = """
INSERT INTO users (id, created, email, password, totp, totp_step)
VALUES ('user_both', now(), 'both@example.com', '$argon2id$', 'sealed', 1),
       ('user_password', now(), 'password@example.com', '$argon2id$', 'sealed', 1);
INSERT INTO identities (issuer, subject, user_id, created)
VALUES ('https://accounts.example.com', 'both', 'user_both', now());
INSERT INTO sessions (id, hash, user_id, created, last_seen, expires_at, factor)
SELECT 'sess_' || f || u, decode(md5(f || u), 'hex'), u, now(), now(), now() + interval '1 hour', f
FROM unnest(ARRAY['provider', 'password_and_code', 'password_and_recovery_code']) AS f,
     unnest(ARRAY['user_both', 'user_password']) AS u;
INSERT INTO recovery_codes (user_id, hash)
VALUES ('user_both', 'one'), ('user_password', 'other');
INSERT INTO password_resets (user_id, hash, created, expires_at)
VALUES ('user_both', 'one', now(), now() + interval '1 hour'),
       ('user_password', 'other', now(), now() + interval '1 hour');
"""


@pytest.fixture
def filled_url(postgres: TestDatabases) -> Iterator[str]:
    """A database of the version before, in which somebody was linked and kept their password."""
    with postgres.of_version("0018") as url:
        with psycopg.connect(url) as connection:
            connection.execute(_BEFORE)
        yield url


def test_who_comes_by_a_provider_has_no_password_any_more(filled_url: str) -> None:
    upgrade(filled_url)
    with psycopg.connect(filled_url) as connection:
        users = connection.execute(
            "SELECT id, password, totp, totp_step FROM users ORDER BY id"
        ).fetchall()
        going_on = connection.execute(
            "SELECT id FROM sessions WHERE revoked_at IS NULL ORDER BY id"
        ).fetchall()
        codes = connection.execute("SELECT user_id FROM recovery_codes").fetchall()
        links = connection.execute(
            "SELECT user_id FROM password_resets WHERE used_at IS NULL"
        ).fetchall()
    assert users == [
        ("user_both", None, None, None),
        ("user_password", "$argon2id$", b"sealed", 1),
    ]
    assert [id for (id,) in going_on] == [
        "sess_password_and_codeuser_password",
        "sess_password_and_recovery_codeuser_password",
        "sess_provideruser_both",
        "sess_provideruser_password",
    ]
    assert (codes, links) == ([("user_password",)], [("user_password",)])
