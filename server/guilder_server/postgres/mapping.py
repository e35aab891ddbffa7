"""Domain objects and their rows: the same names on both sides, so nothing is written twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, Generic, TypeVar, get_type_hints

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from guilder_server.postgres.columns import BIGINT, TEXT, TYPES, ColumnType
from guilder_server.postgres.reads import Lookup

T = TypeVar("T")

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def column_type(column: sa.Column[Any]) -> ColumnType:
    name = column.type.compile(_DIALECT).lower().split(" collate")[0]
    return TYPES["timestamptz" if name == "timestamp with time zone" else name]


class Mapping(Generic[T]):
    """The dataclass `kind` kept in `table`, whose columns are the tenant and its fields, and what
    the database computes of them.

    Raises TypeError when the two do not agree, so that a forgotten column stops start-up.
    """

    def __init__(self, kind: type[T], table: sa.Table) -> None:
        self.kind, self.table = kind, table
        names = [
            column.name
            for column in table.columns
            if column.name != "tenant_id" and column.computed is None
        ]
        declared = [field.name for field in fields(kind)]  # type: ignore[arg-type]
        if set(names) != set(declared):
            difference = sorted(set(names) ^ set(declared))
            raise TypeError(f"{kind.__name__} and table {table.name} differ in {difference}")
        self.names = declared
        self.types = [column_type(table.columns[name]) for name in declared]
        self._values = attrgetter(*declared)
        hints = get_type_hints(kind)
        self._decoders = [
            (position, msgspec.json.Decoder(hints[name]).decode)
            for position, (name, kept) in enumerate(zip(declared, self.types, strict=True))
            if kept.name == "jsonb"
        ]
        self.columns = ", ".join(f"{table.name}.{name}" for name in declared)
        self.insert_sql = self._insert()
        self.lock_sql = self._lock()
        self.update_sql = self._update()
        self.read_sql = (
            f"SELECT {table.name}.tenant_id, {table.name}.id, {self.columns} "
            f"FROM unnest(%s, %s) AS k(tenant_id, id) JOIN {table.name} USING (tenant_id, id)"
        )
        self.lookup = Lookup(self.read_sql, (BIGINT, TEXT), self.load)

    def arrays(self, tenants: Sequence[int], things: Sequence[T]) -> list[bytes]:
        """One array per column: the tenants, then the fields in their order."""
        columns = zip(*map(self._values, things), strict=True)
        return [
            BIGINT.array(tenants),
            *(kind.array(column) for kind, column in zip(self.types, columns, strict=True)),
        ]

    def key_arrays(self, keys: Sequence[tuple[int, str]]) -> list[bytes]:
        return [BIGINT.array([key[0] for key in keys]), TEXT.array([key[1] for key in keys])]

    def load(self, row: Sequence[Any]) -> T:
        """A domain object from the columns of `columns`, in that order."""
        values = list(row)
        for position, decode in self._decoders:
            if values[position] is not None:
                values[position] = decode(values[position])
        return self.kind(*values)

    def _lock(self) -> str:
        return (
            f"SELECT t.tenant_id, t.id, t.version FROM unnest(%s, %s) AS k(tenant_id, id) "
            f"JOIN {self.table.name} t USING (tenant_id, id) "
            f"ORDER BY t.tenant_id, t.id FOR NO KEY UPDATE OF t"
        )

    def _insert(self) -> str:
        names = ", ".join(["tenant_id", *self.names])
        slots = ", ".join(["%s"] * (len(self.names) + 1))
        return f"INSERT INTO {self.table.name} ({names}) SELECT * FROM unnest({slots})"

    def _update(self) -> str:
        names = ", ".join(["tenant_id", *self.names])
        slots = ", ".join(["%s"] * (len(self.names) + 1))
        settings = ", ".join(f"{n} = v.{n}" for n in self.names if n not in ("id", "created"))
        return (
            f"UPDATE {self.table.name} t SET {settings} "
            f"FROM unnest({slots}) AS v({names}) WHERE t.tenant_id = v.tenant_id AND t.id = v.id"
        )


class SharedMapping(Mapping[T]):
    """For what belongs to no tenant: its rows have none, whoever's changes they come with. It is
    found by its id alone, so `read_sql` and `lookup` are not for it."""

    def _lock(self) -> str:
        return (
            f"SELECT k.tenant_id, t.id, t.version FROM unnest(%s, %s) AS k(tenant_id, id) "
            f"JOIN {self.table.name} t USING (id) ORDER BY t.id FOR NO KEY UPDATE OF t"
        )

    def _insert(self) -> str:
        names = ", ".join(self.names)
        slots = ", ".join(["%s"] * (len(self.names) + 1))
        return (
            f"INSERT INTO {self.table.name} ({names}) "
            f"SELECT {names} FROM unnest({slots}) AS v(tenant_id, {names})"
        )

    def _update(self) -> str:
        return super()._update().replace("t.tenant_id = v.tenant_id AND ", "")
