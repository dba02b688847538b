"""Notices, choices about e-mail, webhooks and what is to be sent to them."""

import sqlalchemy as sa
from alembic import op

from exchange.db import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# fmt: off

def _notice() -> None:
    op.create_table('notice',
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('user_id', sa.String(length=26), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('kind', sa.String(length=80), nullable=False),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.Column('path', sa.String(length=200), nullable=False),
    sa.Column('at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('read_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('mail', sa.String(length=8), nullable=False),
    sa.Column('mail_tries', sa.Integer(), nullable=False),
    sa.Column('mail_next', UtcDateTime(timezone=True), nullable=True),
    sa.Column('mail_code', sa.String(length=40), nullable=True),
    sa.CheckConstraint("mail IN ('none', 'waiting', 'sent', 'dead')", name='notice_mail_state'),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id']),
    sa.PrimaryKeyConstraint('org_id', 'user_id', 'id')
    )
    op.create_index('notice_unread', 'notice', ['org_id', 'user_id', 'read_at'], unique=False)
    op.create_index('notice_mail', 'notice', ['mail', 'mail_next'], unique=False)
    op.create_table('mail_choice',
    sa.Column('user_id', sa.String(length=26), nullable=False),
    sa.Column('topic', sa.String(length=16), nullable=False),
    sa.Column('wanted', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id']),
    sa.PrimaryKeyConstraint('user_id', 'topic')
    )
    op.create_table('due_told',
    sa.Column('key', sa.String(length=120), nullable=False),
    sa.Column('at', UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key')
    )


def _webhook() -> None:
    op.create_table('webhook',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('url', sa.String(length=400), nullable=False),
    sa.Column('secret', sa.LargeBinary(), nullable=False),
    sa.Column('old_secret', sa.LargeBinary(), nullable=True),
    sa.Column('old_until', UtcDateTime(timezone=True), nullable=True),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('failing_since', UtcDateTime(timezone=True), nullable=True),
    sa.Column('disabled_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('removed_at', UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_webhook_org_id'), 'webhook', ['org_id'], unique=False)
    op.create_table('webhook_delivery',
    sa.Column('webhook_id', sa.String(length=26), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('type', sa.String(length=40), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('next_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('code', sa.String(length=40), nullable=True),
    sa.CheckConstraint("state IN ('waiting', 'done', 'dead')", name='webhook_delivery_state'),
    sa.ForeignKeyConstraint(['webhook_id'], ['webhook.id']),
    sa.PrimaryKeyConstraint('webhook_id', 'id')
    )
    op.create_index('webhook_delivery_due', 'webhook_delivery', ['state', 'next_at'], unique=False)


# fmt: on


def upgrade() -> None:
    """Make the tables. What happened before is told to nobody: whoever was concerned has seen it."""
    _notice()
    _webhook()


def downgrade() -> None:
    """Drop them; what they held is gone."""
    for table in ("webhook_delivery", "webhook", "due_told", "mail_choice", "notice"):
        op.drop_table(table)
