"""Rooms under a contract that gives answers only, each with an account of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_OPEN = "state = 'open'"
_TRYING = "state = 'open' AND contract_id IS NULL"


def _unique(name: str, table: str, columns: list[str], where: str | None = None) -> None:
    rule = None if where is None else sa.text(where)
    op.create_index(name, table, columns, unique=True, sqlite_where=rule, postgresql_where=rule)


def upgrade() -> None:
    """Every room and account there is was for trying the data, and stays so."""
    op.drop_index("test_room_open_once", "test_room")
    with op.batch_alter_table("test_room") as table:
        table.add_column(sa.Column("contract_id", sa.String(length=26), nullable=True))
        table.create_foreign_key("test_room_contract", "contract", ["contract_id"], ["id"])
        table.alter_column("trial_id", existing_type=sa.String(length=26), nullable=True)
        table.create_check_constraint("test_room_ground", "trial_id IS NOT NULL OR contract_id IS NOT NULL")
    op.create_index(op.f("ix_test_room_contract_id"), "test_room", ["contract_id"])
    _unique("test_room_open_once", "test_room", ["org_id", "listing_id"], _TRYING)
    _unique("test_room_of_contract_open_once", "test_room", ["contract_id"], _OPEN)
    with op.batch_alter_table("budget_entry") as table:
        table.add_column(sa.Column("contract_id", sa.String(length=26), nullable=True))
        table.create_foreign_key("budget_entry_contract", "contract", ["contract_id"], ["id"])
        table.drop_constraint("budget_entry_once", type_="unique")
    _unique("budget_entry_once", "budget_entry", ["listing_id", "org_id"], "contract_id IS NULL")
    _unique("budget_entry_of_contract", "budget_entry", ["contract_id"])


def downgrade() -> None:
    """Rooms under contracts go, with what was asked in them and their accounts; their records stay in the log."""
    op.execute("DELETE FROM query_run WHERE room_id IN (SELECT id FROM test_room WHERE contract_id IS NOT NULL)")
    op.execute("DELETE FROM test_room WHERE contract_id IS NOT NULL")
    op.execute("DELETE FROM budget_entry WHERE contract_id IS NOT NULL")
    op.drop_index("budget_entry_of_contract", "budget_entry")
    op.drop_index("budget_entry_once", "budget_entry")
    with op.batch_alter_table("budget_entry") as table:
        table.drop_constraint("budget_entry_contract", type_="foreignkey")
        table.drop_column("contract_id")
        table.create_unique_constraint("budget_entry_once", ["listing_id", "org_id"])
    op.drop_index("test_room_of_contract_open_once", "test_room")
    op.drop_index("test_room_open_once", "test_room")
    op.drop_index(op.f("ix_test_room_contract_id"), "test_room")
    with op.batch_alter_table("test_room") as table:
        table.drop_constraint("test_room_ground", type_="check")
        table.drop_constraint("test_room_contract", type_="foreignkey")
        table.alter_column("trial_id", existing_type=sa.String(length=26), nullable=False)
        table.drop_column("contract_id")
    _unique("test_room_open_once", "test_room", ["org_id", "listing_id"], _OPEN)
