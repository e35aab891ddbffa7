"""Where gateways touch the world: the built-in sandbox and the table of attempts."""
