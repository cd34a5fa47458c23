"""Notices; pending and paused subscribers; when somebody unsubscribed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

DELIVERY_STATES = "state IN ('planned', 'sending', 'accepted', 'deferred', 'rejected', 'unknown', 'expired', 'skipped')"


def upgrade() -> None:
    with op.batch_alter_table("subscriber") as subscriber:
        subscriber.add_column(sa.Column("paused_until", sa.Date(), nullable=True))
        subscriber.add_column(sa.Column("unsubscribed_at", sa.DateTime(timezone=True), nullable=True))
        subscriber.drop_constraint(op.f("ck_subscriber_state"), type_="check")
        subscriber.create_check_constraint(op.f("ck_subscriber_state"), "state IN ('pending', 'active', 'unsubscribed')")
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("smtp_reply", sa.String(), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(DELIVERY_STATES, name=op.f("ck_notice_state")),
        sa.CheckConstraint("kind IN ('confirmation', 'change', 'account', 'address', 'move')", name=op.f("ck_notice_kind")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_notice_subscriber_id_subscriber"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("key", name=op.f("uq_notice_key")),
    )
    op.create_index(op.f("ix_notice_state"), "notice", ["state"])
    op.create_index(op.f("ix_notice_subscriber_id"), "notice", ["subscriber_id"])
