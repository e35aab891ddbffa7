"""What an audit tells of an object: the fields of its dataclass, without secrets.

Of a new object all that is set, of a changed one what differs. A field is hidden if it was
declared so, if it is of bytes, or if its name is one that secrets go by; of what has parts the same
holds for each part. That it differs is told of a hidden one, and not what it is.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from guilder_server.kernel.audit import Touched
from guilder_server.kernel.changes import Stored
from guilder_server.kernel.redaction import REDACTED, is_secret, redacted

_PLAIN = (str, int, bool, type(None))
# Named elsewhere, or counted for ourselves.
_LEFT_OUT = frozenset({"id", "version", "created", "attempt_id"})

Part = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Audited:
    """A kind of object that is audited: its noun as the wire has it, which of its fields are
    hidden although neither name nor type gives them away, and which are left out because they
    are bookkeeping, or what a gateway or the ledger answered and keeps."""

    noun: str
    hidden: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()


class Portrait:
    """Raises TypeError for a kind that it cannot look into, and for a hidden field that there is
    not."""

    def __init__(self, kind: type, audited: Audited) -> None:
        if hasattr(kind, "__slots__"):
            raise TypeError(f"{kind.__name__} has slots: what has a row of its own has none")
        names = [field.name for field in fields(kind)]
        if unknown := (audited.hidden | audited.left_out) - set(names):
            raise TypeError(f"{kind.__name__} has no {sorted(unknown)}")
        hints = get_type_hints(kind)
        left_out = (audited.left_out | _LEFT_OUT) - {"version"}
        self.noun = audited.noun
        self._bookkept = [name for name in names if name in left_out]
        self._parts: list[tuple[str, Part | None]] = [
            (name, _part(name, hints[name], name in audited.hidden))
            for name in names
            if name not in left_out and name != "version"
        ]
        self._of_new = [one for one in self._parts if one[1] is not _hide]

    def of(self, before: Stored | None, after: Stored) -> Touched | None:
        """What became of an object; None where that was bookkeeping alone. Nothing is different
        about one that was only touched."""
        new = after.__dict__
        if before is None:
            told = {
                name: value if part is None else part(value)
                for name, part in self._of_new
                if (value := new[name])
            }
            return Touched(self.noun, after.id, None, told)
        old = before.__dict__
        differing = [
            (name, part)
            for name, part in self._parts
            if old[name] is not new[name] and old[name] != new[name]
        ]
        if not differing and any(old[name] != new[name] for name in self._bookkept):
            return None
        return Touched(self.noun, after.id, _told(old, differing), _told(new, differing))


class Portraits:
    """The kinds that are audited, with what is left out of the audit on purpose. A kind that is
    neither raises TypeError: it has to be decided about."""

    def __init__(
        self, kinds: set[type], audited: Mapping[type, Audited], left_out: frozenset[type]
    ) -> None:
        undecided = kinds - audited.keys() - left_out
        if undecided or audited.keys() & left_out:
            names = sorted(kind.__name__ for kind in undecided or audited.keys() & left_out)
            raise TypeError(f"audited or left out of the audit? {', '.join(names)}")
        self._of = {kind: Portrait(kind, one) for kind, one in audited.items()}

    def find(self, thing: Stored) -> Portrait | None:
        return self._of.get(type(thing))

    def nouns(self) -> set[str]:
        return {portrait.noun for portrait in self._of.values()}


def _told(values: Mapping[str, Any], parts: list[tuple[str, Part | None]]) -> dict[str, Any]:
    return {
        name: value if part is None or value is None else part(value)
        for name, part in parts
        for value in (values[name],)
    }


def _part(name: str, hint: Any, hidden: bool) -> Part | None:
    """What makes a value presentable; None where it is so already."""
    if hidden or is_secret(name) or _holds(hint, bytes):
        return _hide
    return None if _is_plain(hint) else redacted


def _hide(_value: Any) -> str:
    return REDACTED


def _is_plain(hint: Any) -> bool:
    origin = get_origin(hint)
    if origin is Literal or hint in _PLAIN or hint is datetime:
        return True
    if origin in (Union, types.UnionType, list):
        return all(_is_plain(one) for one in get_args(hint))
    return False


def _holds(hint: Any, kind: type) -> bool:
    return hint is kind or any(_holds(one, kind) for one in get_args(hint))
