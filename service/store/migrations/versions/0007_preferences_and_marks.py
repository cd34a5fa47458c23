"""What a person prefers, what they said of papers, and how each delivery was arranged."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    with op.batch_alter_table("subscriber") as subscriber:
        subscriber.add_column(sa.Column("length", sa.String(), nullable=False, server_default="minutes:6"))
        subscriber.add_column(sa.Column("minimum_score", sa.Float(), nullable=False, server_default="0"))
        subscriber.add_column(sa.Column("followed", sa.JSON(), nullable=False, server_default="[]"))
        subscriber.add_column(sa.Column("muted", sa.JSON(), nullable=False, server_default="[]"))
        subscriber.add_column(sa.Column("language", sa.String(), nullable=False, server_default="en"))
        subscriber.add_column(sa.Column("with_abstract", sa.Boolean(), nullable=False, server_default=sa.false()))
        subscriber.add_column(sa.Column("with_outside", sa.Boolean(), nullable=False, server_default=sa.true()))
        subscriber.add_column(sa.Column("with_note", sa.Boolean(), nullable=False, server_default=sa.false()))
        subscriber.create_check_constraint(op.f("ck_subscriber_language"), "language IN ('en', 'de')")
    with op.batch_alter_table("delivery") as delivery:
        delivery.add_column(sa.Column("plan", sa.JSON(), nullable=False, server_default="{}"))
    op.create_table(
        "mark",
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('more', 'less', 'saved')", name=op.f("ck_mark_kind")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_mark_subscriber_id_subscriber"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_mark_paper_id_paper"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("subscriber_id", "paper_id", "kind", name=op.f("pk_mark")),
    )
