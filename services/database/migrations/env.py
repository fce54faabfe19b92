"""Run by Alembic for each upgrade: `sql_database` opens the connection, so that this needs no address of its own."""

from alembic import context

from services.database.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite cannot alter most of a table in place
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
