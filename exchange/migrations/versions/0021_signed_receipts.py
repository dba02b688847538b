"""Answers of test rooms have a signed receipt. Those given before have none: the key did not exist."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# fmt: off


def upgrade() -> None:
    with op.batch_alter_table("query_run") as table:
        table.add_column(sa.Column('signed_receipt', sa.String(), nullable=True))
        table.create_check_constraint("query_run_signed", "signed_receipt IS NULL OR verdict IN ('allow', 'limit')")


def downgrade() -> None:
    with op.batch_alter_table("query_run") as table:
        table.drop_constraint("query_run_signed", type_="check")
        table.drop_column("signed_receipt")
