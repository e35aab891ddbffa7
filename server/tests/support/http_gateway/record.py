"""What the gateway did, on disk before it answers.

One SQLite file, synced at every commit. A request's id, its answer and what it changed are one
transaction: whoever repeats an id gets the answer that was given first.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL, answer TEXT NOT NULL,
  received INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE IF NOT EXISTS authorizations (
  reference TEXT PRIMARY KEY, instrument TEXT NOT NULL, currency TEXT NOT NULL,
  held INTEGER NOT NULL, captured INTEGER NOT NULL DEFAULT 0,
  refunded INTEGER NOT NULL DEFAULT 0, open INTEGER NOT NULL DEFAULT 1
);
"""
Answer = dict[str, Any]

_REFUSALS: dict[str, Answer] = {
    "refused": {"decline_code": "generic_decline", "message": "Your card was declined."},
    "poor": {"decline_code": "insufficient_funds", "message": "Your card has insufficient funds."},
}


class MismatchError(Exception):
    """An id came again with another request."""


class Record:
    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_SCHEMA)

    def carry_out(self, kind: str, body: dict[str, Any]) -> Answer:
        """Do it, or say again what was said when it was done."""
        written = json.dumps(body, sort_keys=True)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            known = self._request(body["id"])
            if known is None:
                answer = self._deed(kind)(body)
                self._db.execute(
                    "INSERT INTO requests (id, kind, body, answer) VALUES (?, ?, ?, ?)",
                    (body["id"], kind, written, json.dumps(answer)),
                )
            elif (known["kind"], known["body"]) != (kind, written):
                raise MismatchError(body["id"])
            else:
                answer = json.loads(known["answer"])
                self._db.execute(
                    "UPDATE requests SET received = received + 1 WHERE id = ?", (body["id"],)
                )
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        return answer

    def answer_to(self, attempt_id: str) -> Answer | None:
        known = self._request(attempt_id)
        return None if known is None else json.loads(known["answer"])

    def everything(self) -> dict[str, Any]:
        """The whole record, with its sums: what the cards paid and got back."""
        requests = [
            {**json.loads(row["body"]), "kind": row["kind"], "received": row["received"],
             "answer": json.loads(row["answer"])}
            for row in self._db.execute("SELECT * FROM requests ORDER BY rowid")
        ]  # fmt: skip
        held = [dict(row) for row in self._db.execute("SELECT * FROM authorizations")]
        return {
            "requests": requests,
            "authorizations": held,
            "captured": sum(row["captured"] for row in held),
            "refunded": sum(row["refunded"] for row in held),
        }

    def _request(self, attempt_id: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(
            "SELECT * FROM requests WHERE id = ?", (attempt_id,)
        ).fetchone()
        return row

    def _deed(self, kind: str) -> Callable[[dict[str, Any]], Answer]:
        return {
            "authorize": self._authorize,
            "capture": self._capture,
            "void": self._void,
            "refund": self._refund,
            "pay_out": self._pay_out,
        }[kind]

    def _authorize(self, body: dict[str, Any]) -> Answer:
        reference = f"hgw_{body['id']}"
        instrument, authentication = body["instrument"], body["authentication"]
        if instrument in _REFUSALS:
            return _refused(**_REFUSALS[instrument])
        if instrument == "challenged" and authentication != "succeeded":
            if body["off_session"]:
                message = "Your card was declined. This transaction requires authentication."
                return _refused(message, "authentication_required", "authentication_required")
            return {"outcome": "action_required", "reference": reference}
        self._db.execute(
            "INSERT INTO authorizations (reference, instrument, currency, held, captured, open) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (reference, instrument, body["currency"], body["amount"],
             body["amount"] if body["capture"] else 0, not body["capture"]),
        )  # fmt: skip
        return {"outcome": "approved", "reference": reference, "captured": body["capture"]}

    def _capture(self, body: dict[str, Any]) -> Answer:
        hold = self._hold(body)
        if hold is None or not hold["open"] or body["amount"] > hold["held"]:
            return _refused("There is no such hold.", code="capture_refused")
        self._db.execute(
            "UPDATE authorizations SET captured = ?, open = 0 WHERE reference = ?",
            (body["amount"], body["reference"]),
        )
        return {"outcome": "approved", "reference": f"hgw_{body['id']}", "captured": True}

    def _void(self, body: dict[str, Any]) -> Answer:
        hold = self._hold(body)
        if hold is None or not hold["open"]:
            return _refused("There is no such hold.", code="void_refused")
        self._db.execute(
            "UPDATE authorizations SET open = 0, held = 0 WHERE reference = ?",
            (body["reference"],),
        )
        return {"outcome": "approved", "reference": f"hgw_{body['id']}"}

    def _refund(self, body: dict[str, Any]) -> Answer:
        hold = self._hold(body)
        if hold is None or hold["refunded"] + body["amount"] > hold["captured"]:
            return _refused("More than was taken cannot be given back.", code="refund_refused")
        self._db.execute(
            "UPDATE authorizations SET refunded = refunded + ? WHERE reference = ?",
            (body["amount"], body["reference"]),
        )
        return {"outcome": "approved", "reference": f"hgw_{body['id']}"}

    def _pay_out(self, body: dict[str, Any]) -> Answer:
        if body["destination"] == "ba_noAccount":
            return _refused("The bank account could not be found.", "no_account")
        return {"outcome": "approved", "reference": f"hgw_{body['id']}"}

    def _hold(self, body: dict[str, Any]) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(
            "SELECT * FROM authorizations WHERE reference = ?", (body["reference"],)
        ).fetchone()
        return row


def _refused(message: str, decline_code: str | None = None, code: str = "card_declined") -> Answer:
    return {"outcome": "declined", "code": code, "decline_code": decline_code, "message": message}
