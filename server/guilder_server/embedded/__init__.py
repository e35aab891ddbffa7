"""PostgreSQL and Redis as child processes, for development, tests and benchmarks."""

from guilder_server.embedded.binaries import (
    EmbeddedServersMissing,
    postgres_environment,
    postgres_program,
)
from guilder_server.embedded.child import ServerFailed
from guilder_server.embedded.folder import DevelopmentFolder, FolderInUse, Secrets
from guilder_server.embedded.identity import NoUnprivilegedUser
from guilder_server.embedded.postgres_server import PostgresServer
from guilder_server.embedded.redis_server import RedisServer

__all__ = [
    "DevelopmentFolder",
    "EmbeddedServersMissing",
    "FolderInUse",
    "NoUnprivilegedUser",
    "PostgresServer",
    "RedisServer",
    "Secrets",
    "ServerFailed",
    "postgres_environment",
    "postgres_program",
]
