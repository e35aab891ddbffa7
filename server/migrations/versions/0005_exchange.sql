ALTER TABLE ledger_transactions ADD COLUMN exchange JSONB;
COMMENT ON COLUMN ledger_transactions.exchange IS 'what was sold and bought, at which exact rate';
ALTER TABLE ledger_holds ADD COLUMN exchange JSONB;
CREATE INDEX ledger_holds_listed ON ledger_holds (tenant_id, status, id) WHERE status <> 'posted';
CREATE INDEX ledger_entries_late ON ledger_entries (tenant_id, account_id, version) WHERE effective_at IS NOT NULL;
