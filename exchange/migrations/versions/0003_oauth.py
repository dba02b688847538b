"""The authorisation server."""

import sqlalchemy as sa
from alembic import op

from exchange.db import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# fmt: off

def _oauth_client() -> None:
    op.create_table('oauth_client',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('created_by', sa.String(length=26), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('flow', sa.String(), nullable=False),
    sa.Column('secret_hash', sa.String(length=64), nullable=True),
    sa.Column('redirect_uris', sa.JSON(), nullable=False),
    sa.Column('scopes', sa.JSON(), nullable=False),
    sa.Column('roles', sa.JSON(), nullable=False),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint("flow = 'person' OR secret_hash IS NOT NULL", name='oauth_client_machine_has_secret'),
    sa.CheckConstraint("flow IN ('person', 'machine')", name='oauth_client_flow'),
    sa.ForeignKeyConstraint(['created_by'], ['user_account.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_oauth_client_org_id'), 'oauth_client', ['org_id'], unique=False)


def _oauth_code() -> None:
    op.create_table('oauth_code',
    sa.Column('code_hash', sa.String(length=64), nullable=False),
    sa.Column('client_id', sa.String(length=26), nullable=False),
    sa.Column('user_id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('redirect_uri', sa.String(length=400), nullable=False),
    sa.Column('scope', sa.String(length=200), nullable=False),
    sa.Column('challenge', sa.String(length=43), nullable=False),
    sa.Column('issued_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('expires_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('used_at', UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['client_id'], ['oauth_client.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id']),
    sa.PrimaryKeyConstraint('code_hash')
    )
    op.create_index(op.f('ix_oauth_code_client_id'), 'oauth_code', ['client_id'], unique=False)
    op.create_index(op.f('ix_oauth_code_user_id'), 'oauth_code', ['user_id'], unique=False)


def _oauth_token() -> None:
    op.create_table('oauth_token',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('client_id', sa.String(length=26), nullable=False),
    sa.Column('user_id', sa.String(length=26), nullable=True),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('scope', sa.String(length=200), nullable=False),
    sa.Column('code_hash', sa.String(length=64), nullable=True),
    sa.Column('issued_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('expires_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['client_id'], ['oauth_client.id']),
    sa.ForeignKeyConstraint(['code_hash'], ['oauth_code.code_hash']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('token_hash')
    )
    op.create_index(op.f('ix_oauth_token_client_id'), 'oauth_token', ['client_id'], unique=False)
    op.create_index(op.f('ix_oauth_token_code_hash'), 'oauth_token', ['code_hash'], unique=False)
    op.create_index(op.f('ix_oauth_token_user_id'), 'oauth_token', ['user_id'], unique=False)


# fmt: on


def upgrade() -> None:
    """Make the tables."""
    _oauth_client()
    _oauth_code()
    _oauth_token()


def downgrade() -> None:
    """Drop them; what they held is gone."""
    op.drop_table("oauth_token")
    op.drop_table("oauth_code")
    op.drop_table("oauth_client")
