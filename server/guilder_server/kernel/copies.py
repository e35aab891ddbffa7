"""Changed copies of frozen objects.

`dataclasses.replace` reads and writes every field by name, in Python: for an object of thirty
fields some seven times the cost of copying its dict, and a payment makes about eight copies.
So objects that have a row of their own are frozen dataclasses without slots, and change here.
The type checker sees the standard one, which it knows to hold to the fields' types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414 - for others to import
else:

    def replace(thing: T, **changes: Any) -> T:
        """`thing` with other values in the fields that `changes` names. Raises TypeError for a
        name that is no field. `__post_init__` does not run."""
        fields = thing.__dict__
        copied = fields | changes
        if len(copied) != len(fields):
            unknown = ", ".join(sorted(changes.keys() - fields.keys()))
            raise TypeError(f"{type(thing).__name__} has no field {unknown}")
        made = object.__new__(type(thing))
        made.__dict__.update(copied)
        return made
