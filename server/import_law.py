"""An import-linter contract that says what may be imported; everything else may not.

The standard library always may. In `importers` and `allowed`, a name stands for the module and all
below it, and these words are known:

    <capability>   each package of guilder_server that has a `domain`
    <own>          the capability that the importer belongs to
    <doors>        the capabilities themselves, without what is inside
    <libraries>    everything that is not ours

`exceptions` are single imports, written "importer -> imported".
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from importlinter import Contract, ContractCheck, fields, output

if TYPE_CHECKING:
    from grimp import ImportGraph

ROOT = "guilder_server"


class AllowedImports(Contract):
    type_name = "allowed"

    # import-linter puts lists of strings in the place of these.
    importers: Any = fields.ListField(subfield=fields.StringField())
    exceptions: Any = fields.ListField(subfield=fields.StringField(), required=False)
    allowed: Any = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        capabilities = {
            name.removesuffix(".domain")
            for name in graph.modules
            if name.endswith(".domain") and name.count(".") == 2
        }
        broken = [
            (importer, imported, graph.get_import_details(importer=importer, imported=imported))
            for importer in sorted(graph.modules)
            if self._concerns(importer, capabilities)
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if not self._allows(importer, imported, capabilities)
            if f"{importer} -> {imported}" not in (self.exceptions or ())
        ]
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported, details in check.metadata["broken"]:
            lines = ", ".join(str(detail["line_number"]) for detail in details)
            output.print_error(f"{importer} imports {imported} (line {lines})")

    def _concerns(self, importer: str, capabilities: set[str]) -> bool:
        return any(
            _within(importer, pattern.replace("<capability>", capability))
            for pattern in self.importers
            for capability in (capabilities if "<capability>" in pattern else {""})
        )

    def _allows(self, importer: str, imported: str, capabilities: set[str]) -> bool:
        if not _within(imported, ROOT):
            return imported.split(".", maxsplit=1)[0] in sys.stdlib_module_names or any(
                word == "<libraries>" or _within(imported, word) for word in self.allowed
            )
        own = ".".join(importer.split(".")[:2])
        return any(
            imported in capabilities
            if word == "<doors>"
            else _within(imported, word.replace("<own>", own))
            for word in self.allowed
        )


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
