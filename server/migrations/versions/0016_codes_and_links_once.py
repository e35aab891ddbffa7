"""Recovery codes, and links to set a new password with."""

from pathlib import Path

from alembic import op

from guilder_server.postgres.isolation import hash_in_question, in_question, isolate_people

revision = "0016"
down_revision = "0015"

_PERSON, _HASH = in_question("person"), hash_in_question()

OF_PEOPLE: dict[str, dict[str, str]] = {
    "recovery_codes": {
        "people": "SELECT, INSERT, DELETE",
        "own": f"user_id = {_PERSON}",
    },
    "password_resets": {
        "people": "SELECT, INSERT, UPDATE",
        "own": f"user_id = {_PERSON} OR hash = {_HASH}",
        "jobs": "SELECT (expires_at), DELETE",
    },
}


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
    for table, rules in OF_PEOPLE.items():
        for statement in isolate_people(table, **rules):
            op.execute(statement)
