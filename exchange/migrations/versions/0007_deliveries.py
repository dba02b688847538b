"""Grants and deliveries."""

import sqlalchemy as sa
from alembic import op

from exchange.db import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# fmt: off

def _delivery_grant() -> None:
    op.create_table('delivery_grant',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('contract_id', sa.String(length=26), nullable=False),
    sa.Column('asset_id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('user_id', sa.String(length=26), nullable=True),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('issued_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('expires_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('made_event', sa.String(length=26), nullable=True),
    sa.CheckConstraint('expires_at > issued_at', name='delivery_grant_period'),
    sa.ForeignKeyConstraint(['asset_id'], ['asset.id']),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('made_event'),
    sa.UniqueConstraint('token_hash')
    )
    op.create_index('delivery_grant_of_contract', 'delivery_grant', ['contract_id', 'asset_id', 'org_id'], unique=False)


def _delivery() -> None:
    op.create_table('delivery',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('contract_id', sa.String(length=26), nullable=True),
    sa.Column('grant_id', sa.String(length=26), nullable=True),
    sa.Column('asset_id', sa.String(length=26), nullable=True),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('status', sa.String(length=8), nullable=False),
    sa.Column('code', sa.String(length=60), nullable=True),
    sa.Column('first_byte', sa.BigInteger(), nullable=True),
    sa.Column('end_byte', sa.BigInteger(), nullable=True),
    sa.Column('bytes_sent', sa.BigInteger(), nullable=False),
    sa.Column('complete', sa.Boolean(), nullable=False),
    sa.Column('at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('ended_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.CheckConstraint("status <> 'made' OR (grant_id IS NOT NULL AND contract_id IS NOT NULL AND asset_id IS NOT NULL AND first_byte IS NOT NULL AND end_byte IS NOT NULL)", name='delivery_made_of_what'),
    sa.CheckConstraint("status <> 'refused' OR (code IS NOT NULL AND bytes_sent = 0)", name='delivery_refused_why'),
    sa.CheckConstraint("status IN ('made', 'refused')", name='delivery_status'),
    sa.CheckConstraint('NOT complete OR bytes_sent = end_byte - first_byte', name='delivery_complete'),
    sa.CheckConstraint('bytes_sent >= 0 AND (end_byte IS NULL OR bytes_sent <= end_byte - first_byte)', name='delivery_bytes_sent'),
    sa.CheckConstraint('first_byte IS NULL OR (first_byte >= 0 AND end_byte > first_byte)', name='delivery_range'),
    sa.ForeignKeyConstraint(['asset_id'], ['asset.id']),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id']),
    sa.ForeignKeyConstraint(['grant_id'], ['delivery_grant.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('delivery_of_contract', 'delivery', ['contract_id', 'id'], unique=False)
    op.create_index(op.f('ix_delivery_grant_id'), 'delivery', ['grant_id'], unique=False)


# fmt: on


def upgrade() -> None:
    """Make the tables."""
    _delivery_grant()
    _delivery()


def downgrade() -> None:
    """Drop them; what they held is gone."""
    op.drop_table("delivery")
    op.drop_table("delivery_grant")
