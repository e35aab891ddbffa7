"""The door of the ledger: the movements that other capabilities post, and statements of the
accounts that they keep."""

from guilder_server.ledger.domain import chart, movements
from guilder_server.ledger.domain.balance import Balance, BalanceTransaction
from guilder_server.ledger.domain.statement import Line, Period, Statement
from guilder_server.ledger.flows.statements import Statements
from guilder_server.ledger.views.statements import as_csv, as_json

__all__ = [
    "Balance",
    "BalanceTransaction",
    "Line",
    "Period",
    "Statement",
    "Statements",
    "as_csv",
    "as_json",
    "chart",
    "movements",
]
