"""What embeddings and a language model think of each paper, by topic."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    with op.batch_alter_table("paper") as paper:
        paper.add_column(sa.Column("opinions", sa.JSON(), nullable=True))
