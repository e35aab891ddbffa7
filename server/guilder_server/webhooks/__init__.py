"""The door of webhooks. Nobody needs anything of them: they hear of events, and send them."""
