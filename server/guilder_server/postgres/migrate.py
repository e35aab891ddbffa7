"""Bring a database's schema to where this version of Guilder needs it."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

# Two processes that start together must not both migrate; any number that is ours will do.
_LOCK = 7_311_845


def _config(database_url: str) -> Config:
    config = Config()
    here = Path(__file__).resolve().parent.parent
    # In a checkout the migrations stand beside the package; a wheel carries them inside it.
    inside, beside = here / "migrations", here.parent / "migrations"
    config.set_main_option("script_location", str(inside if inside.is_dir() else beside))
    config.attributes["database_url"] = database_url
    return config


class NewerDatabase(Exception):
    """The schema is that of a version of Guilder that came after this one."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"A newer version of Guilder has migrated this database (to {revision}). "
            "Install that version, or a later one."
        )


def upgrade(database_url: str) -> None:
    """Apply every migration that is missing, each in its transaction. Raises NewerDatabase."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        if pending(database_url):
            command.upgrade(_config(database_url), "head")


def pending(database_url: str) -> list[str]:
    """The revisions that are missing, oldest first. Raises NewerDatabase."""
    script = ScriptDirectory.from_config(_config(database_url))
    ours = [step.revision for step in script.walk_revisions()]  # newest first
    current = _current(database_url)
    if current is None:
        return ours[::-1]
    if current not in ours:
        raise NewerDatabase(current)
    return ours[: ours.index(current)][::-1]


def _current(database_url: str) -> str | None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else None
