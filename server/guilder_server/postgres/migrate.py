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


def upgrade(database_url: str) -> None:
    """Apply every migration that is missing, each in its transaction."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        command.upgrade(_config(database_url), "head")


def pending(database_url: str) -> list[str]:
    """The revisions that are missing, oldest first."""
    script = ScriptDirectory.from_config(_config(database_url))
    with psycopg.connect(database_url, autocommit=True) as connection:
        exists = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
        row = None
        if exists and exists[0]:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    current = row[0] if row else "base"
    ahead = [r.revision for r in script.iterate_revisions("head", current)]
    return [revision for revision in reversed(ahead) if revision != current]
