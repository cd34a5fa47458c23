"""What a mail's columns may hold, spelled out: for each IN, SQLite builds a table of its values at each update."""

from alembic import op

revision = "0010"
down_revision = "0009"

BOUNCES = ("hard", "soft", "policy")
KINDS = ("confirmation", "change", "account", "address", "move")
STATES = ("planned", "sending", "accepted", "deferred", "rejected", "unknown", "expired", "skipped")


def upgrade() -> None:
    _check("delivery", state=STATES, bounce=BOUNCES)
    _check("notice", state=STATES, kind=KINDS, bounce=BOUNCES)


def _check(table: str, **allowed: tuple[str, ...]) -> None:
    with op.batch_alter_table(table) as rows:
        for column, values in allowed.items():
            name = op.f(f"ck_{table}_{column}")
            rows.drop_constraint(name, type_="check")
            rows.create_check_constraint(name, " OR ".join(f"{column} = '{value}'" for value in values))
