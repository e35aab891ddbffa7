"""The pages on which people sign in: plain HTML without scripts, in front of the dashboard."""

from guilder_server.people.pages.browser import Browser
from guilder_server.people.pages.routes import Pages

__all__ = ["Browser", "Pages"]
