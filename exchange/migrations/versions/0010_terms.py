"""What a seller adds to the terms of an offer. Offers made before added nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One column; the versions that are there get the empty object."""
    op.add_column("listing_version", sa.Column("added_terms", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    """Without the column."""
    op.drop_column("listing_version", "added_terms")
