"""What is kept of the source: raw answers, validators, requests a day, doubts told, and each paper's counts over time."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "answer",
        sa.Column("page_id", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["page_id"], ["page.id"], name=op.f("fk_answer_page_id_page"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("page_id", name=op.f("pk_answer")),
    )
    op.create_table(
        "validator",
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("etag", sa.String(), nullable=True),
        sa.Column("last_modified", sa.String(), nullable=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_validator")),
    )
    op.create_table(
        "requestcount",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_requestcount")),
    )
    op.create_table(
        "alarm",
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("page_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["page_id"], ["page.id"], name=op.f("fk_alarm_page_id_page"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("cause", name=op.f("pk_alarm")),
    )
    op.create_table(
        "observation",
        sa.Column("paper_id", sa.String(), nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("upvotes", sa.Integer(), nullable=True),
        sa.Column("comments", sa.Integer(), nullable=True),
        sa.Column("code_stars", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_observation_paper_id_paper"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("paper_id", "observed_at", name=op.f("pk_observation")),
    )
    with op.batch_alter_table("page", schema=None) as batch_op:
        batch_op.add_column(sa.Column("part", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("goes_on", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("causes", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("field_counts", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("paper", schema=None) as batch_op:
        batch_op.add_column(sa.Column("told_by", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("velocity", sa.Float(), nullable=True))
