"""The one MetaData that every table of every capability is declared in."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

metadata = sa.MetaData()


def tenant_column() -> sa.Column[int]:
    return sa.Column("tenant_id", sa.BigInteger, nullable=False)


def id_column(name: str = "id", nullable: bool = False) -> sa.Column[str]:
    """Public ids compare byte by byte, whatever the database's locale: their order is time."""
    return sa.Column(name, sa.Text(collation="C"), nullable=nullable)


def instant_column(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=nullable)


def json_column(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, postgresql.JSONB, nullable=nullable)
