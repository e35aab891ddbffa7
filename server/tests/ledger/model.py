"""A ledger in a page of Python, for the real one to be held against."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

Pair = tuple[int, int, int]  # debited, credited, amount; accounts by their numbers
Terms = tuple[int, int | None, int | None]  # account, entries before, least balance after


@dataclass
class Account:
    side: str
    currency: str
    floor: int | None
    ceiling: int | None
    status: str = "open"
    entries: list[int] = field(default_factory=list)

    @property
    def normal(self) -> int:
        return sum(self.entries) * (1 if self.side == "debit" else -1)

    def limit(self) -> str | None:
        if self.floor is not None and self.normal < self.floor:
            return "balance_insufficient"
        if self.ceiling is not None and self.normal > self.ceiling:
            return "balance_exceeded"
        return None

    def copy(self) -> Account:
        return replace(self, entries=list(self.entries))


@dataclass(frozen=True)
class Wanted:
    pairs: list[Pair]
    conditions: list[Terms] = field(default_factory=list)
    reference: str | None = None

    def among(self, accounts: int) -> Wanted:
        """The same about accounts that there are."""
        return Wanted(
            [(debit % accounts, credit % accounts, amount) for debit, credit, amount in self.pairs],
            [(number % accounts, entries, least) for number, entries, least in self.conditions],
            self.reference,
        )


@dataclass
class Transaction:
    pairs: list[Pair]
    left: list[int]


class Books:
    def __init__(self) -> None:
        self.accounts: list[Account] = []
        self.transactions: list[Transaction] = []
        self.references: set[str] = set()

    def open(self, account: Account) -> None:
        self.accounts.append(account)

    def status(self, number: int, status: str) -> str | None:
        account = self.accounts[number]
        if account.status == "closed" and status != "closed":
            return "ledger_account_closed"
        if status == "closed" and account.normal != 0:
            return "ledger_account_not_empty"
        account.status = status
        return None

    def post(self, wanted: Wanted) -> str | None:
        """The code of why it is refused, and nothing of it is done; None if it is done."""
        return self._unfit(wanted, self.references) or self._book(wanted)

    def post_together(self, wishes: list[Wanted]) -> str | None:
        """First each is looked at, then all are booked in their order, or none is."""
        references = set(self.references)
        for wanted in wishes:
            if code := self._unfit(wanted, references):
                return code
            references |= {wanted.reference} - {None}
        before = [account.copy() for account in self.accounts]
        for done, wanted in enumerate(wishes):
            if code := self._book(wanted):
                self.accounts = before
                self.references -= {one.reference for one in wishes[:done]}
                del self.transactions[len(self.transactions) - done :]
                return code
        return None

    def reverse(self, number: int, amount: int | None) -> str | None:
        transaction = self.transactions[number]
        left = transaction.left
        if not any(left):
            return "ledger_transaction_reversed"
        if amount is not None and len(left) > 1:
            return "parameter_invalid"
        if amount is not None and amount > left[0]:
            return "ledger_reversal_too_large"
        amounts = list(left) if amount is None else [amount]
        back = [
            (credit, debit, some)
            for (debit, credit, _), some in zip(transaction.pairs, amounts, strict=True)
            if some
        ]
        if code := self.post(Wanted(back)):
            return code
        transaction.left = [rest - some for rest, some in zip(left, amounts, strict=True)]
        return None

    def _unfit(self, wanted: Wanted, references: set[str]) -> str | None:
        if wanted.reference in references:
            return "ledger_reference_taken"
        for debit, credit, _ in wanted.pairs:
            debited, credited = self.accounts[debit], self.accounts[credit]
            for account in (debited, credited):
                if account.status != "open":
                    return f"ledger_account_{account.status}"
            if debited is credited:
                return "parameter_invalid"
            if debited.currency != credited.currency:
                return "ledger_currency_mismatch"
        return None

    def _book(self, wanted: Wanted) -> str | None:
        before = [account.copy() for account in self.accounts]
        code = self._booked(wanted, before)
        if code is not None:
            self.accounts = before
            return code
        self.references |= {wanted.reference} - {None}
        amounts = [amount for _, _, amount in wanted.pairs]
        self.transactions.append(Transaction(wanted.pairs, amounts))
        return None

    def _booked(self, wanted: Wanted, before: list[Account]) -> str | None:
        for debit, credit, amount in wanted.pairs:
            for number, signed in ((debit, amount), (credit, -amount)):
                account = self.accounts[number]
                account.entries.append(signed)
                if code := account.limit():
                    return code
        for number, entries, least in wanted.conditions:
            had = len(before[number].entries)
            least_met = least is None or self.accounts[number].normal >= least
            if entries not in (None, had) or not least_met:
                return "ledger_condition_failed"
        return None
