"""`guilder ledger export` and `import`: the books of one tenant as lines of JSON, and back."""

from guilder_server.ledger.archive.exporting import export
from guilder_server.ledger.archive.importing import import_
from guilder_server.ledger.archive.lines import Wrong

__all__ = ["Wrong", "export", "import_"]
