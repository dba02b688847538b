"""Negotiations and contracts."""

import sqlalchemy as sa
from alembic import op

from exchange.db import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# fmt: off

def _negotiation() -> None:
    op.create_table('negotiation',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('listing_id', sa.String(length=26), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('buyer_org_id', sa.String(length=26), nullable=False),
    sa.Column('provider_org_id', sa.String(length=26), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('terms_hash', sa.String(length=60), nullable=False),
    sa.Column('offers', sa.Integer(), nullable=False),
    sa.Column('purpose', sa.String(), nullable=False),
    sa.Column('scenario', sa.String(), nullable=False),
    sa.Column('deadline', UtcDateTime(timezone=True), nullable=False),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('terminated_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('terminated_reason', sa.String(), nullable=True),
    sa.Column('terminated_by', sa.String(length=26), nullable=True),
    sa.CheckConstraint("(state = 'TERMINATED') = (terminated_at IS NOT NULL) AND (state = 'TERMINATED') = (terminated_reason IS NOT NULL)", name='negotiation_terminated_with_reason'),
    sa.CheckConstraint("state IN ('REQUESTED', 'OFFERED', 'ACCEPTED', 'AGREED', 'VERIFIED', 'FINALIZED', 'TERMINATED')", name='negotiation_state'),
    sa.CheckConstraint('buyer_org_id <> provider_org_id', name='negotiation_two_parties'),
    sa.CheckConstraint('length(purpose) > 0 AND length(scenario) > 0', name='negotiation_scenario'),
    sa.CheckConstraint('offers BETWEEN 0 AND 1', name='negotiation_offers'),
    sa.ForeignKeyConstraint(['buyer_org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['listing_id', 'version'], ['listing_version.listing_id', 'listing_version.number'], name='negotiation_listing_version'),
    sa.ForeignKeyConstraint(['listing_id'], ['listing.id']),
    sa.ForeignKeyConstraint(['provider_org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['terminated_by'], ['organisation.id']),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_negotiation_listing_id'), 'negotiation', ['listing_id'], unique=False)
    op.create_index('negotiation_of_buyer', 'negotiation', ['buyer_org_id', 'id'], unique=False)
    op.create_index('negotiation_of_provider', 'negotiation', ['provider_org_id', 'id'], unique=False)
    op.create_index('negotiation_open_once', 'negotiation', ['listing_id', 'buyer_org_id'], unique=True, sqlite_where=sa.text("state IN ('REQUESTED', 'OFFERED', 'ACCEPTED', 'AGREED', 'VERIFIED')"), postgresql_where=sa.text("state IN ('REQUESTED', 'OFFERED', 'ACCEPTED', 'AGREED', 'VERIFIED')"))


def _contract() -> None:
    op.create_table('contract',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('negotiation_id', sa.String(length=26), nullable=False),
    sa.Column('listing_id', sa.String(length=26), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('buyer_org_id', sa.String(length=26), nullable=False),
    sa.Column('provider_org_id', sa.String(length=26), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.Column('sha256', sa.String(length=60), nullable=False),
    sa.Column('starts', sa.Date(), nullable=False),
    sa.Column('ends', sa.Date(), nullable=False),
    sa.Column('price_vnd', sa.BigInteger(), nullable=False),
    sa.Column('agreed_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('agreed_event', sa.String(length=26), nullable=False),
    sa.Column('active_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('active_event', sa.String(length=26), nullable=True),
    sa.Column('ended_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('end_code', sa.String(length=16), nullable=True),
    sa.Column('end_reason', sa.String(), nullable=True),
    sa.Column('ended_by', sa.String(length=26), nullable=True),
    sa.Column('end_event', sa.String(length=26), nullable=True),
    sa.CheckConstraint("end_code IS NULL OR end_code IN ('fulfilled', 'agreed', 'breach', 'rights-lost', 'security', 'other', 'unsigned')", name='contract_end_code'),
    sa.CheckConstraint('(active_event IS NULL) = (active_at IS NULL)', name='contract_active_whole'),
    sa.CheckConstraint('(ended_at IS NULL) = (end_event IS NULL) AND (ended_at IS NULL) = (end_code IS NULL) AND (ended_at IS NULL) = (end_reason IS NULL)', name='contract_ended_with_reason'),
    sa.CheckConstraint('buyer_org_id <> provider_org_id', name='contract_two_parties'),
    sa.CheckConstraint('price_vnd >= 0', name='contract_price'),
    sa.CheckConstraint('starts <= ends', name='contract_term'),
    sa.ForeignKeyConstraint(['buyer_org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['ended_by'], ['organisation.id']),
    sa.ForeignKeyConstraint(['listing_id', 'version'], ['listing_version.listing_id', 'listing_version.number'], name='contract_listing_version'),
    sa.ForeignKeyConstraint(['listing_id'], ['listing.id']),
    sa.ForeignKeyConstraint(['negotiation_id'], ['negotiation.id']),
    sa.ForeignKeyConstraint(['provider_org_id'], ['organisation.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('negotiation_id'),
    sa.UniqueConstraint('sha256')
    )
    op.create_index('contract_of_buyer', 'contract', ['buyer_org_id', 'id'], unique=False)
    op.create_index('contract_of_provider', 'contract', ['provider_org_id', 'id'], unique=False)
    op.create_index(op.f('ix_contract_listing_id'), 'contract', ['listing_id'], unique=False)


def _negotiation_move() -> None:
    op.create_table('negotiation_move',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('negotiation_id', sa.String(length=26), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('act', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=True),
    sa.Column('user_id', sa.String(length=26), nullable=True),
    sa.Column('terms', sa.JSON(), nullable=False),
    sa.Column('terms_hash', sa.String(length=60), nullable=False),
    sa.Column('note', sa.String(), nullable=False),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.Column('at', UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("act IN ('REQUEST', 'OFFER', 'ACCEPT', 'AGREE', 'VERIFY', 'FINALIZE', 'TERMINATE')", name='negotiation_move_act'),
    sa.CheckConstraint("role IN ('CONSUMER', 'PROVIDER')", name='negotiation_move_role'),
    sa.CheckConstraint('number > 0', name='negotiation_move_number_positive'),
    sa.ForeignKeyConstraint(['negotiation_id'], ['negotiation.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('event_id'),
    sa.UniqueConstraint('negotiation_id', 'number', name='negotiation_move_number')
    )


def _contract_signature() -> None:
    op.create_table('contract_signature',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('contract_id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('user_id', sa.String(length=26), nullable=True),
    sa.Column('thumbprint', sa.String(length=43), nullable=False),
    sa.Column('alg', sa.String(length=8), nullable=False),
    sa.Column('grade', sa.String(length=16), nullable=False),
    sa.Column('protected', sa.String(), nullable=False),
    sa.Column('signature', sa.String(), nullable=False),
    sa.Column('claimed_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('signed_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('contract_id', 'org_id', name='contract_signature_once'),
    sa.UniqueConstraint('contract_id', 'thumbprint', name='contract_signature_key_once'),
    sa.UniqueConstraint('event_id')
    )


# fmt: on


def upgrade() -> None:
    """Make the tables."""
    _negotiation()
    _contract()
    _negotiation_move()
    _contract_signature()


def downgrade() -> None:
    """Drop them; what they held is gone."""
    op.drop_table("contract_signature")
    op.drop_table("negotiation_move")
    op.drop_table("contract")
    op.drop_table("negotiation")
