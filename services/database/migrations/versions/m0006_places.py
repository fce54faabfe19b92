"""Where clients reach a server directly, and who waits for a place."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("peers", sa.Column("address", sa.String(256)))
    op.add_column("peers", sa.Column("key", sa.String(64), nullable=False, server_default=""))
    op.add_column("peers", sa.Column("models", sa.JSON, nullable=False, server_default="[]"))
    op.add_column("peers", sa.Column("line", sa.JSON, nullable=False, server_default="[]"))
    op.add_column("peers", sa.Column("given", sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("peers") as table:
        for name in ("given", "line", "models", "key", "address"):
            table.drop_column(name)
