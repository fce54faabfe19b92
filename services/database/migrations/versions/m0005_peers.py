"""The servers that share the database."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "peers",
        sa.Column("run", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("beat", sa.BigInteger, nullable=False),
        sa.Column("max_sessions", sa.Integer, nullable=False),
        sa.Column("sessions", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("peers")
