"""How providers want their test rooms: working drafts and published versions."""

import sqlalchemy as sa
from alembic import op

from exchange.db import UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# fmt: off


def upgrade() -> None:
    """Make the tables. A listing without a row keeps the default that the exchange drafts."""
    op.create_table('design_draft',
    sa.Column('listing_id', sa.String(length=26), nullable=False),
    sa.Column('answers', sa.JSON(), nullable=False),
    sa.Column('saved_at', UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['listing_id'], ['listing.id']),
    sa.PrimaryKeyConstraint('listing_id')
    )
    op.create_table('design',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('listing_id', sa.String(length=26), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('answers', sa.JSON(), nullable=True),
    sa.Column('document', sa.JSON(), nullable=True),
    sa.Column('digest', sa.String(length=71), nullable=True),
    sa.Column('published_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('published_by', sa.String(length=26), nullable=True),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.CheckConstraint('number > 0', name='design_number_positive'),
    sa.CheckConstraint('(answers IS NULL) = (document IS NULL)', name='design_whole_or_default'),
    sa.ForeignKeyConstraint(['listing_id'], ['listing.id']),
    sa.ForeignKeyConstraint(['published_by'], ['user_account.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('event_id'),
    sa.UniqueConstraint('listing_id', 'number', name='design_number')
    )


# fmt: on


def downgrade() -> None:
    """Drop them: every listing is back at the default."""
    op.drop_table("design")
    op.drop_table("design_draft")
