"""Runs migrations on the database that `postgres/migrate.py` names."""

import sqlalchemy as sa
from alembic import context


def run() -> None:
    url = sa.make_url(context.config.attributes["database_url"])
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()


run()
