"""Accounts of questions know privacy, requests, window, state and epoch; statistics paid for are kept by themselves."""

import sqlalchemy as sa
from alembic import op

from exchange.db import UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# fmt: off

_STATES = "state IN ('open', 'paused', 'killed')"
_CHECKS = {
    "budget_entry_epsilon": "epsilon_spent BETWEEN 0 AND epsilon_cap",
    "budget_entry_requests": "requests BETWEEN 0 AND requests_cap",
    "budget_entry_state": _STATES,
    "budget_entry_window": "starts < ends",
}
# An account made before this has the window of its rooms' policies only, each of which is judged as well.
_NEW: tuple[sa.Column[object], ...] = (
    sa.Column('epsilon_spent', sa.BigInteger(), nullable=False, server_default="0"),
    sa.Column('epsilon_cap', sa.BigInteger(), nullable=False, server_default="0"),
    sa.Column('requests', sa.Integer(), nullable=False, server_default="0"),
    sa.Column('requests_cap', sa.Integer(), nullable=False, server_default="1000"),
    sa.Column('starts', UtcDateTime(timezone=True), nullable=False, server_default="2026-01-01 00:00:00"),
    sa.Column('ends', UtcDateTime(timezone=True), nullable=False, server_default="2100-01-01 00:00:00"),
    sa.Column('stop_at', sa.Integer(), nullable=True),
    sa.Column('epsilon_stop_at', sa.BigInteger(), nullable=True),
    sa.Column('overlaps', sa.Integer(), nullable=False, server_default="0"),
    sa.Column('overlaps_refused', sa.Integer(), nullable=False, server_default="0"),
    sa.Column('state', sa.String(length=8), nullable=False, server_default="open"),
    sa.Column('epoch', sa.Integer(), nullable=False, server_default="1"),
    sa.Column('changed_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('changed_by', sa.String(length=26), nullable=True),
    sa.Column('reason', sa.String(length=2000), nullable=True),
)


def _budget_spend() -> None:
    op.create_table('budget_spend',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('entry_id', sa.String(length=26), nullable=False),
    sa.Column('statistic', sa.String(length=64), nullable=False),
    sa.Column('region', sa.JSON(), nullable=False),
    sa.Column('policy_hash', sa.String(length=71), nullable=False),
    sa.Column('epsilon', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('answer', sa.JSON(none_as_null=True), nullable=True),
    sa.CheckConstraint("epsilon >= 0", name='budget_spend_epsilon'),
    sa.CheckConstraint("state IN ('reserved', 'done', 'failed')", name='budget_spend_state'),
    sa.ForeignKeyConstraint(['entry_id'], ['budget_entry.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('entry_id', 'statistic', name='budget_spend_once')
    )


def upgrade() -> None:
    """Accounts stay as they are spent; what rooms remember of answers is asked anew, which costs a question."""
    with op.batch_alter_table("budget_entry") as table:
        for column in _NEW:
            table.add_column(column)
        for name, rule in _CHECKS.items():
            table.create_check_constraint(name, rule)
        table.create_foreign_key("budget_entry_changed_by", "organisation", ["changed_by"], ["id"])
        for column in _NEW:
            table.alter_column(column.name, server_default=None)
    op.create_index("ix_budget_entry_org_id", "budget_entry", ["org_id"])
    _budget_spend()


def downgrade() -> None:
    """Back to questions alone; the statistics paid for are lost."""
    op.drop_table("budget_spend")
    op.drop_index("ix_budget_entry_org_id", "budget_entry")
    with op.batch_alter_table("budget_entry") as table:
        table.drop_constraint("budget_entry_changed_by", type_="foreignkey")
        for name in _CHECKS:
            table.drop_constraint(name, type_="check")
        for column in _NEW:
            table.drop_column(column.name)
