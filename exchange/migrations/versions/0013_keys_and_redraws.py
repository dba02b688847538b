"""Why a signing key ended; a contract that is drawn up again with other keys before it is in force."""

import sqlalchemy as sa
from alembic import op

from exchange.db import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def _sqlite_contract(old: str, new: str) -> None:
    """The table with other words in its declaration, every row kept. SQLite cannot drop a constraint: the rows are put
    aside, the table is made anew, and rows that refer to it are checked when the migration commits."""
    run = op.get_bind().exec_driver_sql
    sql = run("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'contract'").scalar_one()
    kept = run("SELECT sql FROM sqlite_master WHERE tbl_name = 'contract' AND type <> 'table' AND sql IS NOT NULL")
    indexes = list(kept.scalars())
    if old not in sql:
        raise RuntimeError("the table of contracts is not declared as expected")
    run("PRAGMA defer_foreign_keys = ON")
    run("CREATE TEMPORARY TABLE put_aside AS SELECT * FROM contract")
    run("DROP TABLE contract")
    run(sql.replace(old, new))
    run("INSERT INTO contract SELECT * FROM put_aside")
    run("DROP TABLE put_aside")
    for index in indexes:
        run(index)


def upgrade() -> None:
    """Rows that exist: keys ended so far gave no reason; every contract is its negotiation's only one."""
    op.add_column("signing_key", sa.Column("revoked_reason", sa.String(length=16), nullable=True))
    op.add_column("signing_key", sa.Column("suspect_since", UtcDateTime(timezone=True), nullable=True))
    op.execute("UPDATE signing_key SET revoked_reason = 'unused' WHERE revoked_at IS NOT NULL")
    if op.get_bind().dialect.name == "sqlite":
        _sqlite_contract("UNIQUE (negotiation_id), \n\t", "")
    else:
        op.drop_constraint("contract_negotiation_id_key", "contract", type_="unique")
    op.create_index(
        "contract_of_negotiation_once",
        "contract",
        ["negotiation_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_contract_negotiation_id", "contract", ["negotiation_id"])
    op.create_table(
        "contract_redraw",
        sa.Column("new_id", sa.String(length=26), nullable=False),
        sa.Column("old_id", sa.String(length=26), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("org_id", sa.String(length=26), nullable=False),
        sa.Column("void", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("cause IN ('lost', 'late')", name="contract_redraw_cause"),
        sa.ForeignKeyConstraint(["new_id"], ["contract.id"]),
        sa.ForeignKeyConstraint(["old_id"], ["contract.id"]),
        sa.ForeignKeyConstraint(["org_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("new_id"),
        sa.UniqueConstraint("old_id"),
    )


def downgrade() -> None:
    """Possible only while no contract has been redrawn: two of one negotiation do not fit the older tables."""
    op.drop_table("contract_redraw")
    op.drop_index("ix_contract_negotiation_id", "contract")
    op.drop_index("contract_of_negotiation_once", "contract")
    if op.get_bind().dialect.name == "sqlite":
        _sqlite_contract("UNIQUE (sha256)", "UNIQUE (negotiation_id), \n\tUNIQUE (sha256)")
    else:
        op.create_unique_constraint("contract_negotiation_id_key", "contract", ["negotiation_id"])
    op.drop_column("signing_key", "suspect_since")
    op.drop_column("signing_key", "revoked_reason")
