"""Listings."""

import sqlalchemy as sa
from alembic import op

from exchange.db import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# fmt: off

def _asset() -> None:
    op.create_table('asset',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('file_key', sa.String(length=80), nullable=False),
    sa.Column('file_name', sa.String(length=200), nullable=False),
    sa.Column('format', sa.String(length=8), nullable=False),
    sa.Column('bytes', sa.BigInteger(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('rows', sa.BigInteger(), nullable=False),
    sa.Column('columns', sa.JSON(), nullable=False),
    sa.Column('preview', sa.JSON(), nullable=False),
    sa.Column('personal_hits', sa.JSON(), nullable=False),
    sa.Column('duplicate_rows', sa.BigInteger(), nullable=True),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("format IN ('csv', 'parquet', 'jsonl')", name='asset_format'),
    sa.CheckConstraint('bytes > 0', name='asset_bytes'),
    sa.CheckConstraint('length(sha256) = 64', name='asset_sha256'),
    sa.CheckConstraint('rows > 0', name='asset_rows'),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('file_key')
    )
    op.create_index(op.f('ix_asset_org_id'), 'asset', ['org_id'], unique=False)


def _listing() -> None:
    op.create_table('listing',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('current_version', sa.Integer(), nullable=True),
    sa.Column('pending_version', sa.Integer(), nullable=True),
    sa.Column('draft', sa.JSON(), nullable=False),
    sa.Column('draft_asset_id', sa.String(length=26), nullable=True),
    sa.Column('stopped_reason', sa.String(length=4000), nullable=True),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("state <> 'published' OR current_version IS NOT NULL", name='listing_published_has_version'),
    sa.CheckConstraint("state <> 'submitted' OR pending_version IS NOT NULL", name='listing_submitted_has_version'),
    sa.CheckConstraint("state IN ('draft', 'submitted', 'published', 'returned', 'suspended', 'withdrawn')", name='listing_state'),
    sa.ForeignKeyConstraint(['draft_asset_id'], ['asset.id']),
    sa.ForeignKeyConstraint(['id', 'current_version'], ['listing_version.listing_id', 'listing_version.number'], name='listing_current_version', use_alter=True),
    sa.ForeignKeyConstraint(['id', 'pending_version'], ['listing_version.listing_id', 'listing_version.number'], name='listing_pending_version', use_alter=True),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_listing_org_id'), 'listing', ['org_id'], unique=False)
    op.create_index('listing_by_state', 'listing', ['state', 'updated_at'], unique=False)


def _listing_version() -> None:
    op.create_table('listing_version',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('listing_id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('asset_id', sa.String(length=26), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('name_en', sa.String(length=200), nullable=True),
    sa.Column('summary', sa.String(length=300), nullable=False),
    sa.Column('purpose', sa.String(), nullable=False), sa.Column('scope', sa.String(), nullable=False), sa.Column('content', sa.String(), nullable=False),
    sa.Column('collection_mechanism', sa.String(), nullable=False), sa.Column('update_mechanism', sa.String(), nullable=False),
    sa.Column('update_cycle', sa.String(length=16), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('items', sa.JSON(), nullable=False),
    sa.Column('sector', sa.String(length=16), nullable=False),
    sa.Column('classification', sa.String(length=3), nullable=False),
    sa.Column('personal_statement', sa.String(), nullable=False), sa.Column('quality_statement', sa.String(), nullable=False),
    sa.Column('limitations', sa.String(), nullable=False), sa.Column('provenance', sa.String(), nullable=False),
    sa.Column('right_basis', sa.String(), nullable=False),
    sa.Column('rights', sa.JSON(), nullable=False),
    sa.Column('licence', sa.String(length=2), nullable=False),
    sa.Column('term_months', sa.Integer(), nullable=False),
    sa.Column('permitted_purpose', sa.String(), nullable=False),
    sa.Column('territory', sa.JSON(), nullable=False),
    sa.Column('exclusive', sa.Boolean(), nullable=False),
    sa.Column('onward_transfer', sa.String(length=16), nullable=False),
    sa.Column('ip_limits', sa.String(), nullable=False),
    sa.Column('max_queries', sa.Integer(), nullable=True),
    sa.Column('min_group', sa.Integer(), nullable=True),
    sa.Column('max_deliveries', sa.Integer(), nullable=True),
    sa.Column('attribution', sa.Boolean(), nullable=False),
    sa.Column('price_vnd', sa.BigInteger(), nullable=False),
    sa.Column('value_added_label', sa.String(), nullable=True),
    sa.Column('deid_evidence', sa.String(), nullable=True),
    sa.Column('state_price_decision', sa.String(), nullable=True),
    sa.Column('search_text', sa.String(), nullable=False),
    sa.Column('digest', sa.String(length=60), nullable=False),
    sa.Column('submitted_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('submitted_by', sa.String(length=26), nullable=True),
    sa.CheckConstraint("classification IN ('MO', 'TC', 'GO', 'GT', 'KN', 'NN', 'DC', 'DR', 'QT', 'CL', 'CN1', 'CN2', 'CN3', 'BM')", name='listing_version_class'),
    sa.CheckConstraint("classification NOT IN ('BM', 'CN1', 'CN2', 'CN3')", name='listing_version_not_banned'),
    sa.CheckConstraint("licence <> 'L0' OR (price_vnd = 0 AND classification = 'MO')", name='listing_version_open'),
    sa.CheckConstraint("licence IN ('L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6', 'L7', 'L8')", name='listing_version_licence'),
    sa.CheckConstraint("onward_transfer IN ('none', 'derived-only', 'allowed')", name='listing_version_onward'),
    sa.CheckConstraint("sector IN ('commerce', 'agriculture', 'manufacturing', 'tourism', 'logistics')", name='listing_version_sector'),
    sa.CheckConstraint("update_cycle IN ('real-time', 'daily', 'weekly', 'monthly', 'quarterly', 'yearly', 'once', 'irregular')", name='listing_version_cycle'),
    sa.CheckConstraint('number > 0', name='listing_version_number_positive'),
    sa.CheckConstraint('price_vnd >= 0', name='listing_version_price'),
    sa.CheckConstraint('term_months BETWEEN 1 AND 120', name='listing_version_term'),
    sa.ForeignKeyConstraint(['asset_id'], ['asset.id']),
    sa.ForeignKeyConstraint(['listing_id'], ['listing.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['submitted_by'], ['user_account.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('listing_id', 'number', name='listing_version_number')
    )
    op.create_index(op.f('ix_listing_version_asset_id'), 'listing_version', ['asset_id'], unique=False)
    op.create_index(op.f('ix_listing_version_listing_id'), 'listing_version', ['listing_id'], unique=False)
    op.create_index('listing_version_facets', 'listing_version', ['sector', 'classification', 'licence'], unique=False)


def _moderation_decision() -> None:
    op.create_table('moderation_decision',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('version_id', sa.String(length=26), nullable=False),
    sa.Column('verdict', sa.String(length=16), nullable=False),
    sa.Column('reason', sa.String(length=4000), nullable=False),
    sa.Column('personal_data_checked', sa.Boolean(), nullable=False),
    sa.Column('rule_results', sa.JSON(), nullable=False),
    sa.Column('decided_by', sa.String(length=26), nullable=True),
    sa.Column('decided_org', sa.String(length=26), nullable=False),
    sa.Column('decided_at', UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("verdict <> 'approved' OR personal_data_checked", name='moderation_personal_data'),
    sa.CheckConstraint("verdict <> 'returned' OR length(reason) > 0", name='moderation_returned_with_reason'),
    sa.CheckConstraint("verdict IN ('approved', 'returned')", name='moderation_verdict'),
    sa.ForeignKeyConstraint(['decided_by'], ['user_account.id']),
    sa.ForeignKeyConstraint(['decided_org'], ['organisation.id']),
    sa.ForeignKeyConstraint(['version_id'], ['listing_version.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('version_id')
    )


# fmt: on


def upgrade() -> None:
    """Make the tables."""
    _asset()
    _listing()
    _listing_version()
    _moderation_decision()
    if op.get_bind().dialect.name == "postgresql":  # SQLite has them inline; it cannot add a constraint afterwards
        for column in ("current_version", "pending_version"):
            op.create_foreign_key(
                f"listing_{column}", "listing", "listing_version", ["id", column], ["listing_id", "number"]
            )


def downgrade() -> None:
    """Drop them; what they held is gone."""
    if op.get_bind().dialect.name == "postgresql":
        for column in ("current_version", "pending_version"):
            op.drop_constraint(f"listing_{column}", "listing")
    op.drop_table("moderation_decision")
    op.drop_table("listing_version")
    op.drop_table("listing")
    op.drop_table("asset")
