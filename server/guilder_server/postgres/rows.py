"""New rows and guarded updates, as a part of a commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from guilder_server.kernel.changes import Changes, GuardLost, Stored
from guilder_server.postgres.committer import Part, PartMaker
from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.statements import Statement

Key = tuple[int, str]


class Mappings:
    """Which mapping keeps which kind of object. Tables are written in this order, so that a
    row comes after those it refers to."""

    def __init__(self, mappings: Iterable[Mapping[Any]]) -> None:
        self.ordered = list(mappings)
        self._by_kind = {mapping.kind: mapping for mapping in self.ordered}

    def of(self, thing: Stored) -> Mapping[Any]:
        return self._by_kind[type(thing)]

    def part(self) -> PartMaker:
        return lambda sets: Rows(self, sets)


class Rows(Part):
    def __init__(self, mappings: Mappings, sets: Sequence[Changes]) -> None:
        self._mappings = mappings
        self._locked: dict[Mapping[Any], set[Key]] = {}
        self._versions: dict[tuple[Mapping[Any], Key], int] = {}
        self._added: dict[Mapping[Any], list[tuple[int, Stored]]] = {}
        self._changed: dict[Mapping[Any], dict[Key, Stored]] = {}
        self._new: dict[tuple[Mapping[Any], Key], int] = {}  # where in `_added`
        for changes in sets:
            for thing in [*(before for before, _ in changes.changed), *changes.relied.values()]:
                key = (changes.tenant.id, thing.id)
                self._locked.setdefault(mappings.of(thing), set()).add(key)

    def first(self) -> list[Statement]:
        return [
            (mapping.lock_sql, mapping.key_arrays(sorted(self._locked[mapping])))
            for mapping in self._mappings.ordered
            if mapping in self._locked
        ]

    def read(self, results: list[list[Any]]) -> None:
        locked = [mapping for mapping in self._mappings.ordered if mapping in self._locked]
        for mapping, rows in zip(locked, results, strict=True):
            for tenant, id, version in rows:
                self._versions[mapping, (tenant, id)] = version

    def refusal(self, changes: Changes) -> Exception | None:
        seen = {
            (self._mappings.of(thing), (changes.tenant.id, thing.id)): thing.version
            for thing in changes.added
        }
        for thing in changes.relied.values():
            place = (self._mappings.of(thing), (changes.tenant.id, thing.id))
            if thing.version != seen.get(place, self._versions.get(place)):
                return GuardLost(f"{thing.id} changed after version {thing.version} was read")
        for before, after in changes.changed:
            place = (self._mappings.of(before), (changes.tenant.id, before.id))
            if before.version != seen.get(place, self._versions.get(place)):
                return GuardLost(f"{before.id} changed after version {before.version} was read")
            seen[place] = after.version
        return None

    def grant(self, changes: Changes) -> None:
        tenant = changes.tenant.id
        for thing in changes.added:
            mapping, key = self._mappings.of(thing), (tenant, thing.id)
            added = self._added.setdefault(mapping, [])
            self._versions[mapping, key] = thing.version
            self._new[mapping, key] = len(added)
            added.append((tenant, thing))
        for before, after in changes.changed:
            mapping, key = self._mappings.of(before), (tenant, after.id)
            self._versions[mapping, key] = after.version
            if (position := self._new.get((mapping, key))) is not None:
                # The row is only now coming into being: it comes as it will be.
                self._added[mapping][position] = (tenant, after)
            else:
                self._changed.setdefault(mapping, {})[key] = after

    def second(self) -> list[Statement]:
        statements: list[Statement] = []
        for mapping in self._mappings.ordered:
            if added := self._added.get(mapping):
                tenants, things = zip(*added, strict=True)
                statements.append((mapping.insert_sql, mapping.arrays(tenants, things)))
            if changed := self._changed.get(mapping):
                tenants = [tenant for tenant, _ in changed]  # type: ignore[assignment]
                arrays = mapping.arrays(tenants, list(changed.values()))
                statements.append((mapping.update_sql, arrays))
        return statements
