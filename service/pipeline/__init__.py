"""The day: `gather` brings papers in, `digests` works out each person's, `send` plans and sends.

Below `gather`: `answers` reads one answer of the source, `summaries` writes what is missing, `doubts` tells of what is odd.

What touches the world is given: a database, the doors as callables, the clock. Nothing stops for one bad page, paper or
subscriber; the failure goes on its row, and the report names it.
"""
