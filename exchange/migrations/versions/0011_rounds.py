"""Rounds of both sides, why a negotiation ended, approvals inside an organisation, requests agreed by rule."""

import sqlalchemy as sa
from alembic import op

from exchange.db import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# fmt: off

_REASONS = "'price', 'terms', 'purpose', 'party', 'rights', 'approval', 'no-need', 'mistake', 'other', 'lapsed'"
_WITH_REASON = (
    "(state = 'TERMINATED') = (terminated_at IS NOT NULL) AND "
    "(state = 'TERMINATED') = (terminated_reason IS NOT NULL)"
)
_WITH_CODE = (
    "(state = 'TERMINATED') = (terminated_at IS NOT NULL) AND "
    "(state = 'TERMINATED') = (terminated_code IS NOT NULL) AND "
    "(state = 'TERMINATED') = (terminated_reason IS NOT NULL)"
)


def _negotiation() -> None:
    """Until now a buyer proposed once, and a lapse was told from a reason by its text."""
    with op.batch_alter_table('negotiation') as table:
        table.add_column(sa.Column('requests', sa.Integer(), nullable=False, server_default='1'))
        table.add_column(sa.Column('terminated_code', sa.String(), nullable=True))
        table.drop_constraint('negotiation_offers', type_='check')
        table.drop_constraint('negotiation_terminated_with_reason', type_='check')
    op.execute(
        "UPDATE negotiation SET terminated_code = CASE WHEN terminated_reason = 'lapsed' AND terminated_by IS NULL "
        "THEN 'lapsed' ELSE 'other' END WHERE state = 'TERMINATED'"
    )
    op.execute("UPDATE negotiation SET terminated_reason = '' WHERE terminated_code = 'lapsed'")
    with op.batch_alter_table('negotiation') as table:
        table.alter_column('requests', existing_type=sa.Integer(), existing_nullable=False, server_default=None)
        table.create_check_constraint('negotiation_proposals', 'requests > 0 AND offers >= 0')
        table.create_check_constraint('negotiation_terminated_with_reason', _WITH_CODE)
        table.create_check_constraint(
            'negotiation_terminated_code', f"terminated_code IS NULL OR terminated_code IN ({_REASONS})"
        )
    op.add_column('negotiation_move', sa.Column('rule_event', sa.String(length=26), nullable=True))


def _approvals() -> None:
    op.create_table('approval_rule',
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('role', sa.String(), nullable=True),
    sa.Column('second_signer', sa.Boolean(), nullable=False),
    sa.Column('changed_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.CheckConstraint("role IS NULL OR role IN ('owner', 'publisher', 'signer', 'analyst', 'finance')", name='approval_rule_role'),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.PrimaryKeyConstraint('org_id')
    )
    op.create_table('negotiation_approval',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('negotiation_id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('user_id', sa.String(length=26), nullable=False),
    sa.Column('what', sa.String(length=16), nullable=False),
    sa.Column('digest', sa.String(length=60), nullable=False),
    sa.Column('given_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.Column('withdrawn_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('used_at', UtcDateTime(timezone=True), nullable=True),
    sa.CheckConstraint("what IN ('terms', 'signature')", name='negotiation_approval_what'),
    sa.CheckConstraint('withdrawn_at IS NULL OR used_at IS NULL', name='negotiation_approval_used_stays'),
    sa.ForeignKeyConstraint(['negotiation_id'], ['negotiation.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('event_id')
    )
    op.create_index('negotiation_approval_once', 'negotiation_approval', ['negotiation_id', 'user_id', 'what', 'digest'], unique=True, sqlite_where=sa.text('withdrawn_at IS NULL'), postgresql_where=sa.text('withdrawn_at IS NULL'))


def _agree_rule() -> None:
    op.create_table('agree_rule',
    sa.Column('listing_id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('min_level', sa.Integer(), nullable=False),
    sa.Column('max_price_vnd', sa.BigInteger(), nullable=True),
    sa.Column('set_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.CheckConstraint('max_price_vnd IS NULL OR max_price_vnd >= 0', name='agree_rule_price'),
    sa.CheckConstraint('min_level BETWEEN 0 AND 3', name='agree_rule_level'),
    sa.ForeignKeyConstraint(['listing_id'], ['listing.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.PrimaryKeyConstraint('listing_id')
    )
    op.create_index(op.f('ix_agree_rule_org_id'), 'agree_rule', ['org_id'], unique=False)


# fmt: on


def upgrade() -> None:
    """Widen the negotiation, make the three tables."""
    _negotiation()
    _approvals()
    _agree_rule()


def downgrade() -> None:
    """Back to one counter-offer; a negotiation that had more keeps its moves but counts one."""
    for table_name in ("agree_rule", "negotiation_approval", "approval_rule"):
        op.drop_table(table_name)
    with op.batch_alter_table("negotiation_move") as table:
        table.drop_column("rule_event")
    with op.batch_alter_table("negotiation") as table:
        for name in ("negotiation_terminated_code", "negotiation_terminated_with_reason", "negotiation_proposals"):
            table.drop_constraint(name, type_="check")
    op.execute("UPDATE negotiation SET terminated_reason = 'lapsed' WHERE terminated_code = 'lapsed'")
    op.execute("UPDATE negotiation SET offers = 1 WHERE offers > 1")
    with op.batch_alter_table("negotiation") as table:
        table.create_check_constraint("negotiation_offers", "offers BETWEEN 0 AND 1")
        table.create_check_constraint("negotiation_terminated_with_reason", _WITH_REASON)
        table.drop_column("terminated_code")
        table.drop_column("requests")
