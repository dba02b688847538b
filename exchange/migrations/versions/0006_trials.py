"""Trials and test rooms."""

import sqlalchemy as sa
from alembic import op

from exchange.db import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# fmt: off

def _trial() -> None:
    op.create_table('trial',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('cert_no', sa.String(length=200), nullable=False),
    sa.Column('authority', sa.String(length=200), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=False),
    sa.Column('level', sa.Integer(), nullable=False),
    sa.Column('sectors', sa.JSON(), nullable=False),
    sa.Column('classes', sa.JSON(), nullable=False),
    sa.Column('verbs', sa.JSON(), nullable=False),
    sa.Column('territory', sa.JSON(), nullable=False),
    sa.Column('max_members', sa.Integer(), nullable=False),
    sa.Column('max_listings', sa.Integer(), nullable=False),
    sa.Column('max_tx_vnd', sa.BigInteger(), nullable=False),
    sa.Column('max_total_vnd', sa.BigInteger(), nullable=False),
    sa.Column('notice_version', sa.String(length=200), nullable=False),
    sa.Column('granted_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('granted_by', sa.String(length=26), nullable=True),
    sa.Column('granted_event', sa.String(length=26), nullable=False),
    sa.CheckConstraint('length(cert_no) > 0 AND length(authority) > 0', name='trial_named'),
    sa.CheckConstraint('level BETWEEN 1 AND 3', name='trial_level'),
    sa.CheckConstraint('max_members >= 0 AND max_listings >= 0 AND max_tx_vnd >= 0 AND max_total_vnd >= 0', name='trial_caps'),
    sa.CheckConstraint('valid_from <= valid_to', name='trial_dates'),
    sa.ForeignKeyConstraint(['granted_by'], ['user_account.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('cert_no'),
    sa.UniqueConstraint('granted_event')
    )


def _enrolment() -> None:
    op.create_table('enrolment',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('trial_id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('notice_version', sa.String(length=200), nullable=False),
    sa.Column('accepted_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('accepted_by', sa.String(length=26), nullable=True),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['accepted_by'], ['user_account.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['trial_id'], ['trial.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('event_id'),
    sa.UniqueConstraint('trial_id', 'org_id', name='enrolment_once')
    )
    op.create_index(op.f('ix_enrolment_org_id'), 'enrolment', ['org_id'], unique=False)


def _test_copy() -> None:
    op.create_table('test_copy',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('asset_id', sa.String(length=26), nullable=False),
    sa.Column('recipe', sa.String(length=71), nullable=False),
    sa.Column('file_key', sa.String(length=60), nullable=False),
    sa.Column('sha256', sa.String(length=71), nullable=False),
    sa.Column('rows', sa.BigInteger(), nullable=False),
    sa.Column('dropped_rows', sa.BigInteger(), nullable=False),
    sa.Column('units', sa.BigInteger(), nullable=True),
    sa.Column('built_at', UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('rows >= 0 AND dropped_rows >= 0', name='test_copy_rows'),
    sa.ForeignKeyConstraint(['asset_id'], ['asset.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('asset_id', 'recipe', name='test_copy_once'),
    sa.UniqueConstraint('file_key')
    )


def _trial_event() -> None:
    op.create_table('trial_event',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('trial_id', sa.String(length=26), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('reason', sa.String(length=2000), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.CheckConstraint("kind IN ('extended', 'suspended', 'resumed', 'terminated')", name='trial_event_kind'),
    sa.CheckConstraint('length(reason) > 0', name='trial_event_reason'),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['trial_id'], ['trial.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('event_id')
    )
    op.create_index(op.f('ix_trial_event_trial_id'), 'trial_event', ['trial_id'], unique=False)


def _budget_entry() -> None:
    op.create_table('budget_entry',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('listing_id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('spent', sa.Integer(), nullable=False),
    sa.Column('cap', sa.Integer(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('day_spent', sa.Integer(), nullable=False),
    sa.Column('day_cap', sa.Integer(), nullable=False),
    sa.CheckConstraint('day_spent BETWEEN 0 AND day_cap', name='budget_entry_day'),
    sa.CheckConstraint('spent BETWEEN 0 AND cap', name='budget_entry_total'),
    sa.ForeignKeyConstraint(['listing_id'], ['listing.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('listing_id', 'org_id', name='budget_entry_once')
    )


def _test_room() -> None:
    op.create_table('test_room',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('trial_id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('listing_id', sa.String(length=26), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('copy_id', sa.String(length=26), nullable=False),
    sa.Column('policy', sa.JSON(), nullable=False),
    sa.Column('policy_hash', sa.String(length=71), nullable=False),
    sa.Column('opened_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('closes_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('opened_by', sa.String(length=26), nullable=True),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('closed_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name='test_room_closed_at'),
    sa.CheckConstraint("state IN ('open', 'closed')", name='test_room_state'),
    sa.CheckConstraint('closes_at > opened_at', name='test_room_session'),
    sa.ForeignKeyConstraint(['copy_id'], ['test_copy.id']),
    sa.ForeignKeyConstraint(['listing_id', 'version'], ['listing_version.listing_id', 'listing_version.number'], name='test_room_listing_version'),
    sa.ForeignKeyConstraint(['listing_id'], ['listing.id']),
    sa.ForeignKeyConstraint(['opened_by'], ['user_account.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['trial_id'], ['trial.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('event_id')
    )
    op.create_index(op.f('ix_test_room_listing_id'), 'test_room', ['listing_id'], unique=False)
    op.create_index('test_room_open_once', 'test_room', ['org_id', 'listing_id'], unique=True, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))


def _query_run() -> None:
    op.create_table('query_run',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('room_id', sa.String(length=26), nullable=False),
    sa.Column('user_id', sa.String(length=26), nullable=True),
    sa.Column('sql', sa.String(), nullable=False),
    sa.Column('cache_key', sa.String(length=64), nullable=True),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('verdict', sa.String(length=8), nullable=True),
    sa.Column('code', sa.String(length=40), nullable=True),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.Column('charged', sa.Boolean(), nullable=False),
    sa.Column('rows', sa.Integer(), nullable=True),
    sa.Column('elapsed_ms', sa.Integer(), nullable=True),
    sa.Column('answer', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('receipt', sa.JSON(), nullable=False),
    sa.Column('at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('event_id', sa.String(length=26), nullable=True),
    sa.CheckConstraint("(state = 'done') = (verdict IS NOT NULL) AND (state = 'done') = (event_id IS NOT NULL)", name='query_run_done_with_verdict'),
    sa.CheckConstraint("state IN ('running', 'done')", name='query_run_state'),
    sa.CheckConstraint("verdict <> 'deny' OR (code IS NOT NULL AND answer IS NULL)", name='query_run_denied'),
    sa.CheckConstraint("verdict IS NULL OR verdict IN ('allow', 'limit', 'deny')", name='query_run_verdict'),
    sa.ForeignKeyConstraint(['room_id'], ['test_room.id']),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('event_id')
    )
    op.create_index('query_run_cache', 'query_run', ['room_id', 'cache_key'], unique=False)
    op.create_index('query_run_of_room', 'query_run', ['room_id', 'id'], unique=False)


# fmt: on


def upgrade() -> None:
    """Make the tables."""
    _trial()
    _enrolment()
    _test_copy()
    _trial_event()
    _budget_entry()
    _test_room()
    _query_run()


def downgrade() -> None:
    """Drop them; what they held is gone."""
    op.drop_table("query_run")
    op.drop_table("test_room")
    op.drop_table("budget_entry")
    op.drop_table("trial_event")
    op.drop_table("test_copy")
    op.drop_table("enrolment")
    op.drop_table("trial")
