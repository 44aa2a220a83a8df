"""What Alembic runs to reach the database: the connection that ``sql_migrate`` gives it."""

from __future__ import annotations

from alembic import context

attributes = context.config.attributes

context.configure(
    connection=attributes.get("connection"),
    dialect_name=attributes.get("dialect"),
    version_table=attributes["version_table"],
    version_table_schema=attributes["schema"],
    transaction_per_migration=True,
    literal_binds=context.is_offline_mode(),
    dialect_opts={"paramstyle": "named"},
)
with context.begin_transaction():
    context.run_migrations()
