CREATE INDEX ledger_holds_listed ON ledger_holds (tenant_id, status, id) WHERE status <> 'posted';
