"""The day: `gather` brings papers in and summarises them, `digests` works out each person's, `send` plans and sends.

What touches the world is given: a database, the doors as callables, the clock. Nothing stops for one bad page, paper or
subscriber; the failure goes on its row, and the report names it.
"""
