"""`expand`: ids in an answer become the objects that they name.

What may be expanded is read from the contract: a field says `x-expandable` with the nouns that
its id may become, or `x-includable` when it is a list that is absent until it is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

from guilder_server.http.coerce import Schema, resolve, types_of
from guilder_server.http.contract import Contract, ContractBroken
from guilder_server.http.operation import Operation
from guilder_server.http.present import Views, Wire
from guilder_server.kernel.changes import Stored
from guilder_server.kernel.errors import InvalidRequest
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant

DEEPEST = 4

Loader: TypeAlias = Callable[[Tenant, str], Awaitable[object | None]]
Include: TypeAlias = Callable[[Tenant, str], Awaitable[Page]]
Latest: TypeAlias = Mapping[str, Stored]


@dataclass(slots=True)
class Plan:
    """What to expand below a place; an empty one expands nothing."""

    fields: dict[str, Plan] = field(default_factory=dict)
    # The nouns that an id here may become; none where the path only leads on.
    nouns: tuple[str, ...] = ()
    included: bool = False
    # Of a whole plan: what whoever asks must be allowed besides the operation.
    permissions: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.fields)


class Expander:
    """Plans and carries out expansions.

    `loaders` find an object by its id, by noun; `includes` the list that belongs to an object,
    by noun and field. Whatever the contract lets expand must have one, or start-up fails.
    """

    def __init__(
        self,
        contract: Contract,
        views: Views,
        loaders: Mapping[str, Loader],
        includes: Mapping[tuple[str, str], Include],
    ) -> None:
        self._document, self._operations = contract.document, contract.operations
        self._views, self._loaders, self._includes = views, loaders, includes
        self._check()
        self._planned = lru_cache(maxsize=256)(self._plan)

    def plan(self, operation: Operation, paths: tuple[str, ...]) -> Plan | None:
        """What `paths` ask for; None when that is nothing. Raises InvalidRequest for a path
        that cannot be expanded."""
        return self._planned(operation, paths) if paths else None

    async def expand(self, shown: Wire, plan: Plan, tenant: Tenant, latest: Latest) -> None:
        """Changes `shown`. Objects in `latest` are only now being committed: they are taken
        from there, the others from the store."""
        await _Expansion(self._views, self._loaders, self._includes, tenant, latest).of(shown, plan)

    def _plan(self, operation: Operation, paths: tuple[str, ...]) -> Plan:
        root, permissions = Plan(), set[str]()
        for position, path in enumerate(paths):
            words = path.split(".")
            if len(words) > DEEPEST:
                raise InvalidRequest(
                    "parameter_invalid",
                    f"You cannot expand more than {DEEPEST} levels of a property: {path[:200]}",
                    f"expand[{position}]",
                )
            plan, schemas = root, [operation.result]
            for word in words:
                schemas = list(self._property(schemas, word))
                plan = plan.fields.setdefault(word, Plan())
                for schema in schemas:
                    plan.nouns = tuple(schema.get("x-expandable", plan.nouns))
                    plan.included = plan.included or "x-includable" in schema
                permissions |= self._permissions(plan, word)
            if not (plan.nouns or plan.included):
                raise InvalidRequest(
                    "parameter_invalid",
                    f"This property cannot be expanded ({path[:200]}).",
                    f"expand[{position}]",
                )
        root.permissions = frozenset(permissions)
        return root

    def _permissions(self, plan: Plan, word: str) -> set[str]:
        """Of the operations that would show by themselves what is expanded. A list that none of
        them shows is a part of its owner."""
        names = [f"retrieve_{noun}" for noun in plan.nouns]
        names += [f"list_{word}"] if plan.included else []
        found = (self._operations.get(name) for name in names)
        return {operation.permission for operation in found if operation is not None}

    def _property(self, schemas: list[Schema], name: str) -> Iterator[Schema]:
        """The schemas of a property, as written and with the references followed."""
        for schema in schemas:
            for one in self._open(schema):
                if name in one.get("properties", {}):
                    yield one["properties"][name]

    def _open(self, schema: Schema) -> Iterator[Schema]:
        """The objects that a value of this schema may be, or be a list of."""
        schema = resolve(schema, self._document)
        if "object" in types_of(schema):
            yield schema
        if "items" in schema:
            yield from self._open(schema["items"])
        for word in ("anyOf", "oneOf", "allOf"):
            for branch in schema.get(word, []):
                yield from self._open(branch)

    def _check(self) -> None:
        missing: set[str] = set()
        for schema in self._document.get("components", {}).get("schemas", {}).values():
            properties = schema.get("properties", {})
            noun = properties.get("object", {}).get("const", "")
            for name, one in properties.items():
                missing |= {
                    f"no operation retrieve_{wanted}"
                    for wanted in one.get("x-expandable", [])
                    if f"retrieve_{wanted}" not in self._operations
                }
                missing |= {
                    f"no loader for {wanted}"
                    for wanted in one.get("x-expandable", [])
                    if wanted not in self._loaders
                }
                if "x-includable" in one and (noun, name) not in self._includes:
                    missing.add(f"no include for {noun}.{name}")
        if missing:
            raise ContractBroken("; ".join(sorted(missing)))


class _Expansion:
    """One answer being expanded. What lies side by side is loaded at the same time, so that
    the store can fetch it in one trip."""

    def __init__(
        self,
        views: Views,
        loaders: Mapping[str, Loader],
        includes: Mapping[tuple[str, str], Include],
        tenant: Tenant,
        latest: Latest,
    ) -> None:
        self._views, self._loaders, self._includes = views, loaders, includes
        self._tenant, self._latest = tenant, latest

    async def of(self, shown: Wire, plan: Plan) -> None:
        work = [
            self._field(shown, name, inner)
            for name, inner in plan.fields.items()
            if name in shown or inner.included
        ]
        if len(work) == 1:
            await work[0]
        elif work:
            await asyncio.gather(*work)

    async def _field(self, shown: Wire, name: str, plan: Plan) -> None:
        if plan.included and name not in shown:
            shown[name] = await self._include(shown, name)
        value = shown[name]
        if plan.nouns and isinstance(value, str):
            value = shown[name] = await self._load(plan.nouns, value)
        if isinstance(value, dict):
            await self.of(value, plan)
        elif isinstance(value, list):
            await asyncio.gather(*(self._item(value, place, plan) for place in range(len(value))))

    async def _item(self, items: list[Any], place: int, plan: Plan) -> None:
        if plan.nouns and isinstance(items[place], str):
            items[place] = await self._load(plan.nouns, items[place])
        if isinstance(items[place], dict):
            await self.of(items[place], plan)

    async def _load(self, nouns: tuple[str, ...], named: str) -> Any:
        """The object, or its id when it cannot be found any more."""
        latest = self._latest.get(named)
        found: object | None = latest if self._views.knows(latest) else None
        for noun in nouns:
            if found is None:
                found = await self._loaders[noun](self._tenant, named)
        return named if found is None else self._views.render(found, self._tenant)

    async def _include(self, owner: Wire, name: str) -> Wire:
        """The list that belongs to `owner`. The store does not know yet what is only now being
        committed: its new members come first, its changed ones as they will be."""
        noun, owner_id = owner["object"], owner["id"]
        page = await self._includes[noun, name](self._tenant, owner_id)
        items = [self._latest.get(getattr(item, "id", ""), item) for item in page.items]
        listed = {getattr(item, "id", "") for item in items}
        fresh = [one for one in self._latest.values() if one.id not in listed]
        items[:0] = [one for one in reversed(fresh) if self._belongs(one, name, noun, owner_id)]
        url = f"/v1/{noun}s/{owner_id}/{name}"
        return self._views.render_page(Page(items, page.has_more), self._tenant, url)

    def _belongs(self, thing: Stored, name: str, noun: str, owner: str) -> bool:
        """A refund belongs to the `refunds` of the charge that it names."""
        if not self._views.knows(thing):
            return False
        shown = self._views.render(thing, self._tenant)
        return f"{shown.get('object')}s" == name and shown.get(noun) == owner
