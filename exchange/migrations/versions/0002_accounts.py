"""Organisations, people, keys."""

import sqlalchemy as sa
from alembic import op

from exchange.db import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# fmt: off

def _organisation() -> None:
    op.create_table('organisation',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('name_en', sa.String(length=200), nullable=True),
    sa.Column('tax_code', sa.String(length=14), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('assurance_level', sa.Integer(), nullable=False),
    sa.Column('payment_account', sa.Boolean(), nullable=False),
    sa.Column('stated_level', sa.Integer(), nullable=False),
    sa.Column('stated_payment_account', sa.Boolean(), nullable=False),
    sa.Column('standing', sa.String(length=16), nullable=False),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("kind IN ('member', 'operator', 'regulator')", name='organisation_kind'),
    sa.CheckConstraint("standing IN ('active', 'suspended')", name='organisation_standing'),
    sa.CheckConstraint('assurance_level BETWEEN 0 AND 3', name='organisation_assurance_level'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('tax_code')
    )


def _user_account() -> None:
    op.create_table('user_account',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('full_name', sa.String(length=120), nullable=False),
    sa.Column('password_hash', sa.String(length=200), nullable=False),
    sa.Column('locale', sa.String(length=2), nullable=False),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('email')
    )


def _invitation() -> None:
    op.create_table('invitation',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('roles', sa.JSON(), nullable=False),
    sa.Column('created_by', sa.String(length=26), nullable=False),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('expires_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('used_at', UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['created_by'], ['user_account.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('token_hash')
    )
    op.create_index(op.f('ix_invitation_org_id'), 'invitation', ['org_id'], unique=False)


def _membership() -> None:
    op.create_table('membership',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('user_id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('user_id', 'org_id', 'role', name='membership_once')
    )
    op.create_index(op.f('ix_membership_org_id'), 'membership', ['org_id'], unique=False)
    op.create_index(op.f('ix_membership_user_id'), 'membership', ['user_id'], unique=False)


def _sign_in() -> None:
    op.create_table('sign_in',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('user_id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('started_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('expires_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('ended_at', UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('token_hash')
    )
    op.create_index(op.f('ix_sign_in_user_id'), 'sign_in', ['user_id'], unique=False)


def _signing_key() -> None:
    op.create_table('signing_key',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('user_id', sa.String(length=26), nullable=False),
    sa.Column('thumbprint', sa.String(length=43), nullable=False),
    sa.Column('jwk', sa.JSON(), nullable=False),
    sa.Column('alg', sa.String(length=8), nullable=False),
    sa.Column('grade', sa.String(length=16), nullable=False),
    sa.Column('label', sa.String(length=80), nullable=False),
    sa.Column('added_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('added_event', sa.String(length=26), nullable=False),
    sa.Column('revoked_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('revoked_event', sa.String(length=26), nullable=True),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('thumbprint')
    )
    op.create_index('signing_key_org', 'signing_key', ['org_id', 'revoked_at'], unique=False)


# fmt: on


def upgrade() -> None:
    """Make the tables."""
    _organisation()
    _user_account()
    _invitation()
    _membership()
    _sign_in()
    _signing_key()


def downgrade() -> None:
    """Drop them; what they held is gone."""
    op.drop_table("signing_key")
    op.drop_table("sign_in")
    op.drop_table("membership")
    op.drop_table("invitation")
    op.drop_table("user_account")
    op.drop_table("organisation")
