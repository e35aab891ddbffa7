"""An operation as the contract defines it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from guilder_server.http.limits.classes import OperationClass
from guilder_server.http.validate import Parameters


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operationId. `result` is the schema of its answer, which says what may be expanded."""

    id: str
    method: str
    path: str
    permission: str
    publishable: bool
    parameters: Parameters
    result: dict[str, Any]
    # The noun of the object that is answered, and the word that lists of it call themselves by.
    noun: str
    listed_as: Literal["list", "search_result"]
    # Its answer holds a secret.
    confidential: bool = False
    # No quota of the account's plan refuses it.
    unmetered: bool = False
    # Whose allowance it uses.
    kind: OperationClass = "writes"

    def url(self, path: dict[str, str]) -> str:
        """The path with its parameters filled in."""
        return self.path.format_map(path) if path else self.path
