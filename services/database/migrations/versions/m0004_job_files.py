"""The files that jobs have made, and the deadlines of those that run."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_files",
        sa.Column("job", sa.String(26), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("path", sa.String(100), primary_key=True),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.add_column("jobs", sa.Column("deadline_at", sa.Double))


def downgrade() -> None:
    op.drop_column("jobs", "deadline_at")
    op.drop_table("job_files")
