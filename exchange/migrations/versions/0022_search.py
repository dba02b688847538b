"""Versions are numbered in the order of submission, and an index of bits says which of them has which word."""

import sqlalchemy as sa
from alembic import op

from exchange.catalogue import index

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# fmt: off

_NUMBER = """
UPDATE listing_version SET position = counted.position FROM (
    SELECT id, row_number() OVER (ORDER BY submitted_at, listing_id, number) - 1 AS position FROM listing_version
) AS counted WHERE counted.id = listing_version.id
"""


def upgrade() -> None:
    """What was submitted before is numbered in the order in which it has been shown, and found by the same words."""
    op.add_column("listing_version", sa.Column("position", sa.Integer(), nullable=True))
    op.execute(_NUMBER)
    with op.batch_alter_table("listing_version") as table:
        table.alter_column("position", nullable=False)
        table.create_unique_constraint("listing_version_position", ["position"])
    op.drop_index("listing_version_facets", "listing_version")
    op.create_table('listing_index',
    sa.Column('key', sa.String(length=32), nullable=False),
    sa.Column('block', sa.Integer(), nullable=False),
    sa.Column('bits', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('key', 'block'),
    sqlite_with_rowid=False,
    )
    index.build(op.get_bind())


def downgrade() -> None:
    """Without index and numbers; both can be made again."""
    op.drop_table("listing_index")
    op.create_index("listing_version_facets", "listing_version", ["sector", "classification", "licence"])
    with op.batch_alter_table("listing_version") as table:
        table.drop_constraint("listing_version_position", type_="unique")
        table.drop_column("position")
