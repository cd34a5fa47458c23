"""Who has claimed a mail, what the server said of it, and how many candidates an issue has."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    for table in ("delivery", "notice"):
        with op.batch_alter_table(table) as mail:
            mail.add_column(sa.Column("worker", sa.String(), nullable=True))
            mail.add_column(sa.Column("enhanced_code", sa.String(), nullable=True))
            mail.add_column(sa.Column("bounce", sa.String(), nullable=True))
            mail.add_column(sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True))
            mail.add_column(sa.Column("uncertain_count", sa.Integer(), nullable=False, server_default="0"))
            mail.create_check_constraint(op.f(f"ck_{table}_bounce"), "bounce IN ('hard', 'soft', 'policy')")
    with op.batch_alter_table("issue") as issue:
        issue.add_column(sa.Column("candidate_count", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE issue SET candidate_count = (SELECT count(*) FROM delivery WHERE delivery.issue_id = issue.id)")
