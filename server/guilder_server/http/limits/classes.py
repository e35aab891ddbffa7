"""Classes of operation: each has an allowance of its own, so that a report does not use up what
payments need. The contract says an operation's class, `x-class`, where its method does not."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

OperationClass: TypeAlias = Literal["payments", "writes", "reads", "search"]
CLASSES: Final[tuple[OperationClass, ...]] = get_args(OperationClass)


def class_of(method: str, declared: str | None) -> OperationClass:
    """Raises ValueError for a class that does not exist."""
    if declared is None:
        return "reads" if method.lower() == "get" else "writes"
    for known in CLASSES:
        if declared == known:
            return known
    raise ValueError(f"x-class must be one of: {', '.join(CLASSES)}")
