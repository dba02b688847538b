"""Suspensions, successors and destruction statements of contracts; a contract may end by being superseded."""

import sqlalchemy as sa
from alembic import op

from exchange.db import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_BEFORE = ("fulfilled", "agreed", "breach", "rights-lost", "security", "other", "unsigned")
_OPEN = "resumed_at IS NULL"
_STANDING = "answer IS NULL OR answer = 'acknowledged'"

# fmt: off

def _contract_hold() -> None:
    op.create_table('contract_hold',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('contract_id', sa.String(length=26), nullable=False),
    sa.Column('holder', sa.String(), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('since', UtcDateTime(timezone=True), nullable=False),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.Column('resumed_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('resumed_by', sa.String(length=26), nullable=True),
    sa.Column('resume_reason', sa.String(), nullable=True),
    sa.Column('resume_event', sa.String(length=26), nullable=True),
    sa.CheckConstraint("holder IN ('provider', 'consumer', 'listing')", name='contract_hold_holder'),
    sa.CheckConstraint("code IN ('breach', 'security', 'claim', 'payment', 'authority', 'other', 'listing')", name='contract_hold_code'),
    sa.CheckConstraint("(code = 'listing') = (holder = 'listing')", name='contract_hold_of_listing'),
    sa.CheckConstraint('(resumed_at IS NULL) = (resume_event IS NULL) AND (resumed_at IS NULL) = (resumed_by IS NULL) AND (resumed_at IS NULL) = (resume_reason IS NULL)', name='contract_hold_resumed_whole'),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['resumed_by'], ['organisation.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('event_id'),
    sa.UniqueConstraint('resume_event')
    )
    op.create_index(op.f('ix_contract_hold_contract_id'), 'contract_hold', ['contract_id'], unique=False)
    op.create_index('contract_hold_open_once', 'contract_hold', ['contract_id', 'holder'], unique=True, sqlite_where=sa.text(_OPEN), postgresql_where=sa.text(_OPEN))


def _contract_succession() -> None:
    op.create_table('contract_succession',
    sa.Column('negotiation_id', sa.String(length=26), nullable=False),
    sa.Column('contract_id', sa.String(length=26), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.CheckConstraint("kind IN ('amendment', 'renewal')", name='contract_succession_kind'),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id']),
    sa.ForeignKeyConstraint(['negotiation_id'], ['negotiation.id']),
    sa.PrimaryKeyConstraint('negotiation_id')
    )
    op.create_index(op.f('ix_contract_succession_contract_id'), 'contract_succession', ['contract_id'], unique=False)


def _destruction_statement() -> None:
    op.create_table('destruction_statement',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('contract_id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('user_id', sa.String(length=26), nullable=True),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.Column('sha256', sa.String(length=60), nullable=False),
    sa.Column('thumbprint', sa.String(length=43), nullable=False),
    sa.Column('protected', sa.String(), nullable=False),
    sa.Column('signature', sa.String(), nullable=False),
    sa.Column('stated_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.Column('answer', sa.String(), nullable=True),
    sa.Column('answer_reason', sa.String(), nullable=True),
    sa.Column('answered_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('answer_event', sa.String(length=26), nullable=True),
    sa.CheckConstraint("answer IS NULL OR answer IN ('acknowledged', 'disputed')", name='destruction_statement_answer'),
    sa.CheckConstraint('(answer IS NULL) = (answered_at IS NULL) AND (answer IS NULL) = (answer_event IS NULL) AND (answer IS NULL) = (answer_reason IS NULL)', name='destruction_statement_answered_whole'),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('answer_event'),
    sa.UniqueConstraint('event_id'),
    sa.UniqueConstraint('sha256')
    )
    op.create_index(op.f('ix_destruction_statement_contract_id'), 'destruction_statement', ['contract_id'], unique=False)
    op.create_index('destruction_statement_standing_once', 'destruction_statement', ['contract_id'], unique=True, sqlite_where=sa.text(_STANDING), postgresql_where=sa.text(_STANDING))


# fmt: on


def _end_codes(codes: tuple[str, ...]) -> None:
    with op.batch_alter_table("contract") as table:
        table.drop_constraint("contract_end_code", type_="check")
        known = ", ".join(f"'{code}'" for code in codes)
        table.create_check_constraint("contract_end_code", f"end_code IS NULL OR end_code IN ({known})")


def _proposals(rule: str) -> None:
    with op.batch_alter_table("negotiation") as table:
        table.drop_constraint("negotiation_proposals", type_="check")
        table.create_check_constraint("negotiation_proposals", rule)


def upgrade() -> None:
    """Make the tables; contracts as they are stay as they are. A seller may begin about a contract's successor."""
    _end_codes((*_BEFORE, "superseded"))
    _proposals("requests >= 0 AND offers >= 0 AND requests + offers > 0")
    _contract_hold()
    _contract_succession()
    _destruction_statement()


def downgrade() -> None:
    """Drop them. A contract that was superseded becomes one that was ended by agreement, which it was too."""
    for table in ("destruction_statement", "contract_succession", "contract_hold"):
        op.drop_table(table)
    op.execute("UPDATE contract SET end_code = 'agreed' WHERE end_code = 'superseded'")
    _end_codes(_BEFORE)
    op.execute("UPDATE negotiation SET requests = 1 WHERE requests = 0")
    _proposals("requests > 0 AND offers >= 0")
