import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from guilder_server.ledger.domain.account import LedgerAccount
from guilder_server.ledger.domain.checkpoint import Checkpoint
from guilder_server.ledger.domain.holds import Hold, Reference
from guilder_server.ledger.domain.reversals import Reversal
from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.schema import (
    id_column,
    instant_column,
    json_column,
    metadata,
    tenant_column,
)

accounts = sa.Table(
    "ledger_accounts",
    metadata,
    tenant_column(),
    sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
    sa.Column("code", sa.Text(collation="C"), nullable=False),
    sa.Column("currency", sa.Text(collation="C"), nullable=False),
    sa.Column("normal_side", sa.Text, nullable=False),
    sa.Column("floor", sa.BigInteger, comment="least balance on the normal side; null: none"),
    sa.Column("balance", sa.BigInteger, nullable=False, comment="debits minus credits"),
    sa.Column("version", sa.BigInteger, nullable=False, comment="number of its entries"),
    sa.Column("ceiling", sa.BigInteger, comment="most on the normal side; null: none"),
    id_column("public_id"),
    instant_column("created"),
    sa.Column(
        "posted_at", sa.TIMESTAMP(timezone=True), nullable=False, comment="of the last entry"
    ),
    sa.Column(
        "held_debits",
        sa.BigInteger,
        nullable=False,
        comment="of pending transactions",
    ),
    sa.Column(
        "held_credits",
        sa.BigInteger,
        nullable=False,
        comment="of pending transactions",
    ),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.UniqueConstraint("tenant_id", "code", "currency"),
    sa.UniqueConstraint("tenant_id", "public_id"),
    sa.CheckConstraint("normal_side IN ('debit', 'credit')", name="ledger_accounts_side"),
    # The committer judges floors under lock; this is for whoever comes by another way.
    sa.CheckConstraint(
        "floor IS NULL OR floor <= CASE normal_side WHEN 'debit' THEN balance ELSE -balance END",
        name="ledger_accounts_floor",
    ),
    # Half-empty pages let an update stay on its page, and touch no index (no indexed column
    # ever changes).
    postgresql_with={"fillfactor": 50},
)

transactions = sa.Table(
    "ledger_transactions",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("kind", sa.Text, nullable=False),
    id_column("source"),
    instant_column("created"),
    instant_column("available"),
    sa.Column("currency", sa.Text, comment="null: several"),
    sa.Column("description", sa.Text),
    sa.Column("effective_at", sa.TIMESTAMP(timezone=True), comment="null: when it was made"),
    sa.Column("reference", sa.Text(collation="C"), comment="the caller's word for it"),
    id_column("reverses", nullable=True),
    json_column("metadata", nullable=True),
    sa.Column(
        "pairs", postgresql.JSONB, comment="debited, credited, amount, as the caller said them"
    ),
    sa.Column(
        "exchange", postgresql.JSONB, comment="what was sold and bought, at which exact rate"
    ),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.Index("ledger_transactions_source", "tenant_id", "source"),
)

entries = sa.Table(
    "ledger_entries",
    metadata,
    tenant_column(),
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False, comment="1, 2, 3 … on its account"),
    id_column("transaction_id"),
    sa.Column("amount", sa.BigInteger, nullable=False, comment="debit above zero, credit below"),
    sa.Column("balance", sa.BigInteger, nullable=False, comment="of the account, after it"),
    sa.Column("posted_at", sa.TIMESTAMP(timezone=True), nullable=False, comment="never decreases"),
    sa.Column(
        "effective_at", sa.TIMESTAMP(timezone=True), comment="where it counts from before that"
    ),
    sa.PrimaryKeyConstraint("tenant_id", "account_id", "version"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "account_id"], ["ledger_accounts.tenant_id", "ledger_accounts.id"]
    ),
    sa.ForeignKeyConstraint(
        ["tenant_id", "transaction_id"], ["ledger_transactions.tenant_id", "ledger_transactions.id"]
    ),
    sa.Index("ledger_entries_transaction", "tenant_id", "transaction_id"),
    # Few entries count from before they were posted, and only those have to be looked for.
    sa.Index(
        "ledger_entries_backdated",
        "tenant_id",
        "account_id",
        "effective_at",
        postgresql_where=sa.text("effective_at IS NOT NULL"),
    ),
    sa.Index(
        "ledger_entries_late",
        "tenant_id",
        "account_id",
        "version",
        postgresql_where=sa.text("effective_at IS NOT NULL"),
    ),
    sa.CheckConstraint("amount <> 0", name="ledger_entries_amount"),
)

# What of an account may be changed, and what its holder says about it. Accounts of payments have
# no such row. It stands apart from the balance, which only the poster writes.
profiles = sa.Table(
    "ledger_profiles",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("version", sa.Integer, nullable=False),
    instant_column("created"),
    sa.Column("code", sa.Text(collation="C"), nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("normal_side", sa.Text, nullable=False),
    sa.Column("floor", sa.BigInteger),
    sa.Column("ceiling", sa.BigInteger),
    sa.Column("name", sa.Text),
    json_column("metadata"),
    sa.Column("status", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.UniqueConstraint("tenant_id", "code", name="ledger_profiles_code_guard"),
)

# How much of a transaction has been reversed; there is no row before the first time.
reversals = sa.Table(
    "ledger_reversals",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("version", sa.Integer, nullable=False),
    instant_column("created"),
    json_column("reversed"),
    sa.Column("whole", sa.Boolean, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "id", name="ledger_reversals_guard"),
)

# Transactions that hold money until they are posted, voided or expire. Once it is posted, a
# transaction stands under the same id in the ledger itself.
holds = sa.Table(
    "ledger_holds",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("version", sa.Integer, nullable=False),
    instant_column("created"),
    sa.Column("status", sa.Text, nullable=False),
    json_column("pairs"),
    sa.Column("description", sa.Text),
    sa.Column("reference", sa.Text(collation="C")),
    json_column("metadata"),
    instant_column("expires_at", nullable=True),
    json_column("exchange", nullable=True),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.Index(
        "ledger_holds_expiring",
        "expires_at",
        postgresql_where=sa.text("status = 'pending' AND expires_at IS NOT NULL"),
    ),
    # Those that were posted are listed from the ledger itself, and may be many.
    sa.Index(
        "ledger_holds_listed",
        "tenant_id",
        "status",
        "id",
        postgresql_where=sa.text("status <> 'posted'"),
    ),
)

# The callers' own words for their transactions, each of which stands for one.
references = sa.Table(
    "ledger_references",
    metadata,
    tenant_column(),
    id_column(),
    sa.Column("version", sa.Integer, nullable=False),
    instant_column("created"),
    id_column("transaction_id"),
    sa.PrimaryKeyConstraint("tenant_id", "id", name="ledger_references_guard"),
)

# What each commit wrote, as one number for all of it; and, once it has its place in the tenant's
# chain, the head of the chain there. `domain/chain.py` says what is hashed.
blocks = sa.Table(
    "ledger_blocks",
    metadata,
    tenant_column(),
    sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
    sa.Column("transactions", sa.Text, nullable=False, comment="their ids, in order"),
    sa.Column("locators", sa.LargeBinary, nullable=False, comment="8 bytes for each row"),
    sa.Column("digest", sa.LargeBinary, nullable=False, comment="SHA-256 of all rows"),
    sa.Column("position", sa.BigInteger, comment="1, 2, 3 … in the chain; null: not yet"),
    sa.Column("head", sa.LargeBinary, comment="of the chain, with this block"),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.Index(
        "ledger_blocks_position",
        "tenant_id",
        "position",
        unique=True,
        postgresql_where=sa.text("position IS NOT NULL"),
    ),
    sa.Index(
        "ledger_blocks_pending",
        "tenant_id",
        "id",
        postgresql_where=sa.text("position IS NULL"),
    ),
)

# Transactions from before there was a chain, until they have a block too.
backlog = sa.Table(
    "ledger_backlog",
    metadata,
    tenant_column(),
    id_column(),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
)

checkpoints = sa.Table(
    "ledger_checkpoints",
    metadata,
    tenant_column(),
    id_column(),
    instant_column("created"),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("head", sa.LargeBinary, nullable=False),
    sa.Column("transactions", sa.BigInteger, nullable=False, comment="from the first block on"),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.UniqueConstraint("tenant_id", "position"),
)

# Books that came from elsewhere: up to that position, what payments moved has its cause there.
imports = sa.Table(
    "ledger_imports",
    metadata,
    tenant_column(),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("head", sa.LargeBinary, nullable=False),
    instant_column("created"),
    sa.PrimaryKeyConstraint("tenant_id", "position"),
)

PROFILES = Mapping(LedgerAccount, profiles)
REVERSALS = Mapping(Reversal, reversals)
HOLDS = Mapping(Hold, holds)
REFERENCES = Mapping(Reference, references)
CHECKPOINTS = Mapping(Checkpoint, checkpoints)
