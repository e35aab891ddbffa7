"""Accounts with what they hold, as they are read together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from guilder_server.ledger.domain.account import LedgerAccount, Standing

COLUMNS = """
    a.public_id, a.code, a.currency, a.normal_side, a.floor, a.ceiling, a.created, a.balance,
    a.version, a.held_debits, a.held_credits, p.version, p.name, p.metadata, p.status
"""
PROFILED = """
    LEFT JOIN ledger_profiles p ON p.tenant_id = a.tenant_id AND p.id = a.public_id
"""
_metadata = msgspec.json.Decoder(dict[str, str])


def standing_of(row: Sequence[Any]) -> Standing:
    id, code, currency, side, floor, ceiling, created, balance, entries, *rest = row
    held_debits, held_credits, version, name, metadata, status = rest
    account = LedgerAccount(
        id,
        version or 0,
        created,
        code,
        currency,
        side,
        floor,
        ceiling,
        name,
        {} if metadata is None else _metadata.decode(metadata),
        status or "open",
    )
    return Standing(
        account,
        normal(side, balance),
        entries,
        system=version is None,
        held_debits=held_debits,
        held_credits=held_credits,
    )


def normal(side: str, balance: int) -> int:
    return balance if side == "debit" else -balance


def code_range(code: str | None) -> tuple[str | None, str | None]:
    """The bounds of the codes that are asked for."""
    if code is None:
        return None, None
    if code.endswith("*"):
        return code[:-1], code[:-1] + "\x7f"
    return code, code + "\x01"
