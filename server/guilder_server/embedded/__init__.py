"""PostgreSQL and Redis as child processes, for development, tests and benchmarks."""

from guilder_server.embedded.binaries import (
    EmbeddedServersMissing,
    postgres_environment,
    postgres_program,
)
from guilder_server.embedded.child import ServerFailed
from guilder_server.embedded.folder import DevelopmentFolder, FolderInUse, Secrets
from guilder_server.embedded.identity import Identity, NoUnprivilegedUser, launch_command
from guilder_server.embedded.postgres_server import PostgresServer
from guilder_server.embedded.redis_server import RedisServer

__all__ = [
    "DevelopmentFolder",
    "EmbeddedServersMissing",
    "FolderInUse",
    "Identity",
    "NoUnprivilegedUser",
    "PostgresServer",
    "RedisServer",
    "Secrets",
    "ServerFailed",
    "launch_command",
    "postgres_environment",
    "postgres_program",
]
