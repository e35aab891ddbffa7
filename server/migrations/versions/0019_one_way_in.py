"""Who is known by a provider has no password, also if they were linked before that ended it.

Their email was only claimed until the provider had verified it: whoever makes an invitation has its
link, and could have set a password in the name of somebody else.
"""

from pathlib import Path

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
