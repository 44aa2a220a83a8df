"""The history of the tables, for Alembic; ``sql_migrate`` runs it.

A migration says all that it makes in its own words: what the tables look like today changes.
"""
