"""All SQL. Store functions take a session and never commit; the caller opens one short transaction a unit of work."""
