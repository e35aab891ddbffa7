"""Events: every fact that was committed, as the wire showed its subject then."""

from guilder_server.events.domain.event import API_VERSION, Event, Told

__all__ = ["API_VERSION", "Event", "Told"]
