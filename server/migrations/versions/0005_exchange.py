"""Exchanges of currencies at an exact rate, a list of what holds money, and the entries of an
account that count from before they were posted, in the order in which they were."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
