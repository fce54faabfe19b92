"""To whom things belong, and what people say of them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "belongings",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("id", sa.String(400), primary_key=True),
        sa.Column("owner", sa.String(64), primary_key=True),
    )
    op.create_index("belongings_by_owner", "belongings", ["owner", "kind"])
    op.create_table(
        "feedback",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("id", sa.String(400), nullable=False),
        sa.Column("pass_number", sa.BigInteger, nullable=False),
        sa.Column("rating", sa.Integer, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("comment", sa.Text),
        sa.Column("about", sa.JSON, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.UniqueConstraint("person", "kind", "id", "pass_number", name="one_feedback_for_each"),
        sqlite_autoincrement=True,
    )
    op.create_index("feedback_by_subject", "feedback", ["kind", "id"])


def downgrade() -> None:
    op.drop_table("feedback")
    op.drop_table("belongings")
