import sqlalchemy as sa

from guilder_server.postgres.schema import id_column, instant_column, metadata, tenant_column

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
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.UniqueConstraint("tenant_id", "code", "currency"),
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
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
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
    sa.PrimaryKeyConstraint("tenant_id", "account_id", "version"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "account_id"], ["ledger_accounts.tenant_id", "ledger_accounts.id"]
    ),
    sa.ForeignKeyConstraint(
        ["tenant_id", "transaction_id"], ["ledger_transactions.tenant_id", "ledger_transactions.id"]
    ),
    sa.Index("ledger_entries_transaction", "tenant_id", "transaction_id"),
    sa.CheckConstraint("amount <> 0", name="ledger_entries_amount"),
)
