ALTER TABLE ledger_transactions ADD COLUMN exchange JSONB;
COMMENT ON COLUMN ledger_transactions.exchange IS 'what was sold and bought, at which exact rate';
ALTER TABLE ledger_holds ADD COLUMN exchange JSONB;
CREATE INDEX ledger_holds_listed ON ledger_holds (tenant_id, status, id) WHERE status <> 'posted';
