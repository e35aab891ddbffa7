"""Build hook: a wheel carries openapi.yaml and the migrations inside the package.

An editable install reads both where they stand, so it must not copy them: a copy would go stale.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ShippedFiles(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        build_data["force_include"].update(
            {
                "openapi.yaml": "guilder_server/openapi.yaml",
                "server/migrations": "guilder_server/migrations",
            }
        )
