"""People, what they are to accounts, and how they are let in.

They belong to accounts or to nobody, not to tenants: one person may be a member of many accounts,
in both modes of each.
"""

from __future__ import annotations

import sqlalchemy as sa

from guilder_server.postgres.schema import id_column, instant_column, metadata

_OPEN = sa.text("accepted_at IS NULL AND revoked_at IS NULL")

users = sa.Table(
    "users",
    metadata,
    id_column(),
    instant_column("created"),
    sa.Column("email", sa.Text, nullable=False, comment="trimmed, in lower case"),
    sa.Column("name", sa.Text),
    sa.Column("password", sa.Text, comment="Argon2id"),
    sa.Column("totp", sa.LargeBinary, comment="sealed"),
    sa.Column("totp_step", sa.BigInteger, comment="the last one of which a code was taken"),
    instant_column("disabled_at", nullable=True),
    sa.PrimaryKeyConstraint("id"),
    sa.UniqueConstraint("email"),
)

identities = sa.Table(
    "identities",
    metadata,
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    id_column("user_id"),
    instant_column("created"),
    sa.PrimaryKeyConstraint("issuer", "subject"),
    sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
    sa.Index("identities_user", "user_id"),
)

memberships = sa.Table(
    "memberships",
    metadata,
    id_column("account_id"),
    id_column("user_id"),
    sa.Column("role", sa.Text, nullable=False),
    instant_column("created"),
    sa.PrimaryKeyConstraint("account_id", "user_id"),
    sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
    sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
    sa.Index("memberships_user", "user_id"),
)

invitations = sa.Table(
    "invitations",
    metadata,
    id_column("account_id"),
    id_column(),
    sa.Column("hash", sa.LargeBinary, nullable=False, comment="HMAC-SHA256 under the pepper"),
    instant_column("created"),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    instant_column("expires_at"),
    id_column("invited_by", nullable=True),
    instant_column("accepted_at", nullable=True),
    id_column("accepted_by", nullable=True),
    instant_column("revoked_at", nullable=True),
    sa.PrimaryKeyConstraint("account_id", "id"),
    sa.UniqueConstraint("hash"),
    sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
    # One mailbox has one open invitation to an account.
    sa.Index("invitations_open", "account_id", "email", unique=True, postgresql_where=_OPEN),
    sa.Index("invitations_email", "email", postgresql_where=_OPEN),
)

sessions = sa.Table(
    "sessions",
    metadata,
    id_column(),
    sa.Column("hash", sa.LargeBinary, nullable=False, comment="HMAC-SHA256 under the pepper"),
    id_column("user_id"),
    instant_column("created"),
    instant_column("last_seen"),
    instant_column("expires_at"),
    sa.Column("factor", sa.Text, nullable=False),
    sa.Column("address", sa.Text),
    sa.Column("user_agent", sa.Text),
    instant_column("revoked_at", nullable=True),
    sa.PrimaryKeyConstraint("id"),
    sa.UniqueConstraint("hash"),
    sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
    sa.Index("sessions_user", "user_id"),
    sa.Index("sessions_expiring", "expires_at"),
)

sign_in_states = sa.Table(
    "sign_in_states",
    metadata,
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("browser", sa.LargeBinary, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    instant_column("created"),
    instant_column("expires_at"),
    instant_column("used_at", nullable=True),
    id_column("user_id", nullable=True),
    id_column("invitation_id", nullable=True),
    id_column("account_id", nullable=True),
    sa.PrimaryKeyConstraint("hash"),
    sa.Index("sign_in_states_expiring", "expires_at"),
)

sign_in_attempts = sa.Table(
    "sign_in_attempts",
    metadata,
    sa.Column("subject", sa.LargeBinary, nullable=False),
    instant_column("since"),
    sa.Column("count", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("subject"),
    sa.Index("sign_in_attempts_since", "since"),
)

recovery_codes = sa.Table(
    "recovery_codes",
    metadata,
    id_column("user_id"),
    sa.Column("hash", sa.LargeBinary, nullable=False, comment="HMAC-SHA256 under the pepper"),
    sa.PrimaryKeyConstraint("user_id", "hash"),
    sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
)

password_resets = sa.Table(
    "password_resets",
    metadata,
    id_column("user_id"),
    sa.Column("hash", sa.LargeBinary, nullable=False, comment="HMAC-SHA256 under the pepper"),
    instant_column("created"),
    instant_column("expires_at"),
    instant_column("used_at", nullable=True),
    sa.PrimaryKeyConstraint("user_id"),
    sa.UniqueConstraint("hash"),
    sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
)
