"""The schema's history. Append only: a migration that has been released never changes."""
