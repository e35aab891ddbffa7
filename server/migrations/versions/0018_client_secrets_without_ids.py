"""The client secret of a payment intent is kept without the id of the intent, which it begins with.

Every payment intent is written once more: for a million of them that takes some ten seconds.
"""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.execute("ALTER TABLE payment_intents ADD COLUMN secret TEXT")
    op.execute(
        "UPDATE payment_intents SET secret = substr(client_secret, length(id || '_secret_') + 1)"
    )
    op.execute(
        "ALTER TABLE payment_intents ALTER COLUMN secret SET NOT NULL, DROP COLUMN client_secret"
    )
