"""Alembic's entry: run migrations on the connection, and in the transaction, that the caller has open."""

from alembic import context

from service.models import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
