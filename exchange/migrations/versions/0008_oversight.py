"""Warrants."""

import sqlalchemy as sa
from alembic import op

from exchange.db import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# fmt: off

def _warrant() -> None:
    op.create_table('warrant',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('opened_by', sa.String(length=26), nullable=True),
    sa.Column('number', sa.String(length=80), nullable=False),
    sa.Column('authority', sa.String(length=200), nullable=False),
    sa.Column('scope', sa.String(length=2000), nullable=False),
    sa.Column('starts', sa.Date(), nullable=False),
    sa.Column('ends', sa.Date(), nullable=False),
    sa.Column('opened_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.CheckConstraint('length(number) > 0 AND length(authority) > 0 AND length(scope) > 0', name='warrant_said'),
    sa.CheckConstraint('starts <= ends', name='warrant_period'),
    sa.ForeignKeyConstraint(['opened_by'], ['user_account.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('org_id', 'number', name='warrant_number')
    )
    op.create_index(op.f('ix_warrant_org_id'), 'warrant', ['org_id'], unique=False)


# fmt: on


def upgrade() -> None:
    """Make the tables."""
    _warrant()


def downgrade() -> None:
    """Drop them; what they held is gone."""
    op.drop_table("warrant")
