"""How bytes of JSON are kept: the two functions that are handed in, and what is not kept twice.

Most answers are an object that an event of the same commit tells of. Such an answer is kept as the
id of that event, and is cut out of it, byte by byte, when it is asked for again.
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec

from guilder_server.kernel.tenant import Tenant

Pack: TypeAlias = Callable[[bytes], bytes]
Unpack: TypeAlias = Callable[[bytes], bytes]
# The packed payload of an event; None if it is not there any more.
Told: TypeAlias = Callable[[Tenant, str], Awaitable[bytes | None]]

# In front, where a snapshot has the number of its dictionary.
_TOLD_BY = b"\xfe"
_EVENT = "evt_"


class _Data(msgspec.Struct):
    object: msgspec.Raw


class _Payload(msgspec.Struct):
    data: _Data


def told_by(event: str) -> bytes:
    """What is kept of an answer that this event holds."""
    return _TOLD_BY + event.removeprefix(_EVENT).encode()


def teller_of(snapshot: bytes) -> str | None:
    """The event that holds the answer; None for an answer that is kept by itself."""
    if snapshot[:1] != _TOLD_BY:
        return None
    # Older ones have the prefix.
    return _EVENT + snapshot[1:].decode().removeprefix(_EVENT)


def object_in(payload: bytes) -> bytes:
    """The object of an event's payload, as it was answered."""
    return bytes(msgspec.json.decode(payload, type=_Payload).data.object)
