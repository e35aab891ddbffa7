"""Domain objects as the wire shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from guilder_server.http.operation import Operation
from guilder_server.kernel.steps import Page, Tombstone
from guilder_server.kernel.tenant import Tenant

Wire: TypeAlias = dict[str, Any]
View: TypeAlias = Callable[[Any, Tenant], Any]

_encoder = msgspec.json.Encoder()
encode = _encoder.encode


class Views:
    """The view of every kind of object: what turns it into its dict on the wire."""

    def __init__(self, views: Mapping[type, View]) -> None:
        self._views = dict(views)

    def knows(self, thing: object) -> bool:
        """Whether `thing` has a view: not every row is shown to callers."""
        return type(thing) in self._views

    def render(self, thing: object, tenant: Tenant) -> Wire:
        """A new dict, which the caller may change."""
        if isinstance(thing, Tombstone):
            return {"id": thing.id, "object": thing.kind, "deleted": True}
        view = self._views.get(type(thing))
        if view is None:
            raise TypeError(f"there is no view of {type(thing).__name__}")
        shown: Wire = view(thing, tenant)
        return shown

    def render_page(self, page: Page, tenant: Tenant, url: str, listed_as: str = "list") -> Wire:
        shown: Wire = {
            "object": listed_as,
            "url": url,
            "has_more": page.has_more,
            "data": [self.render(item, tenant) for item in page.items],
        }
        if listed_as == "search_result":
            shown["next_page"] = page.next_page
        if page.total is not None:
            shown["total_count"] = page.total
        return shown


class Rendering:
    """The objects of one request, each rendered and encoded once.

    The same object may be the answer and the subject of events; its bytes are shared.
    """

    def __init__(self, views: Views, tenant: Tenant) -> None:
        self._views, self._tenant = views, tenant
        # By identity: two versions of an object are two objects. Kept, so that no identity
        # is given out again.
        self._shown: dict[int, tuple[object, Wire]] = {}
        self._encoded: dict[int, msgspec.Raw] = {}

    def wire(self, thing: object) -> Wire:
        """To be read only: other places show the same dict."""
        known = self._shown.get(id(thing))
        if known is None:
            known = self._shown[id(thing)] = (thing, self._views.render(thing, self._tenant))
        return known[1]

    def raw(self, thing: object) -> msgspec.Raw:
        """The encoded object, to be put into a larger one."""
        known = self._encoded.get(id(thing))
        if known is None:
            known = self._encoded[id(thing)] = msgspec.Raw(encode(self.wire(thing)))
        return known

    def result(self, result: object, operation: Operation, url: str) -> Wire:
        """A new dict of what is answered, for expansion to work on."""
        if isinstance(result, Page):
            return self._views.render_page(result, self._tenant, url, operation.listed_as)
        return self._views.render(result, self._tenant)

    def encoded_result(self, result: object, operation: Operation, url: str) -> bytes:
        if isinstance(result, Page):
            return encode(self.result(result, operation, url))
        return bytes(self.raw(result))
