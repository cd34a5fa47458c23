"""What a topic's filter can say, every version of it, and which version each delivery was worked out with."""

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

LISTS = ("relevant_ids", "irrelevant_ids", "struck_words")


def upgrade() -> None:
    with op.batch_alter_table("topic") as topic:
        topic.add_column(sa.Column("minimum_upvotes", sa.Integer(), nullable=False, server_default="0"))
        for name in LISTS:
            topic.add_column(sa.Column(name, sa.JSON(), nullable=False, server_default="[]"))
        topic.add_column(sa.Column("expansion", sa.JSON(), nullable=False, server_default="{}"))
        topic.add_column(sa.Column("prior", sa.Float(), nullable=True))
        topic.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    with op.batch_alter_table("topic") as topic:
        for name in ("minimum_upvotes", *LISTS, "expansion", "version"):
            topic.alter_column(name, server_default=None)
    op.create_table(
        "topicversion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("topic", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topicversion")),
        sa.UniqueConstraint("slug", "version", name=op.f("uq_topicversion_slug")),
    )
    op.create_index(op.f("ix_topicversion_slug"), "topicversion", ["slug"])
    _keep_topics_as_first_versions()
    with op.batch_alter_table("delivery") as delivery:
        delivery.add_column(sa.Column("topic_versions", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("delivery") as delivery:
        delivery.alter_column("topic_versions", server_default=None)


def _keep_topics_as_first_versions() -> None:
    connection = op.get_bind()
    topics = sa.Table("topic", sa.MetaData(), autoload_with=connection)
    versions = sa.Table("topicversion", sa.MetaData(), autoload_with=connection)
    for row in connection.execute(sa.select(topics)).mappings():
        kept = {name: _read(value) for name, value in row.items() if name not in ("position", "version")}
        connection.execute(
            versions.insert().values(
                slug=row["slug"],
                version=1,
                made_at=datetime.now(UTC),
                author="paperround",
                reason="as it was when versions began",
                topic=kept,
            )
        )


def _read(value: object) -> object:
    """SQLite's reflection doesn't decode JSON columns that the batch made."""
    return json.loads(value) if isinstance(value, str) and value[:1] in "[{" else value
