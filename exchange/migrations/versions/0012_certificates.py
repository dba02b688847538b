"""Certificates as signing keys, the roots and revocation lists they are judged by, signatures of other forms."""

import sqlalchemy as sa
from alembic import op

from exchange.db import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# fmt: off

def _trust_list() -> None:
    op.create_table('trust_list',
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=60), nullable=False),
    sa.Column('document', sa.LargeBinary(), nullable=False),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.Column('since', UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('number'),
    sa.UniqueConstraint('event_id')
    )
    op.create_index(op.f('ix_trust_list_digest'), 'trust_list', ['digest'], unique=False)


def _revocation_list() -> None:
    op.create_table('revocation_list',
    sa.Column('digest', sa.String(length=60), nullable=False),
    sa.Column('issuer', sa.String(length=64), nullable=False),
    sa.Column('issuer_name', sa.String(length=300), nullable=False),
    sa.Column('this_update', UtcDateTime(timezone=True), nullable=False),
    sa.Column('next_update', UtcDateTime(timezone=True), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.Column('added_at', UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('digest'),
    sa.UniqueConstraint('event_id')
    )
    op.create_index('revocation_list_issuer', 'revocation_list', ['issuer', 'this_update'], unique=False)


# fmt: on


def _signing_key() -> None:
    """Every key so far is a bare one, whose owner nobody had to confirm."""
    with op.batch_alter_table("signing_key") as table:
        table.add_column(sa.Column("chain", sa.JSON(), nullable=True))
        table.add_column(sa.Column("subject", sa.String(length=300), nullable=True))
        table.add_column(sa.Column("confirmed", sa.Boolean(), nullable=False, server_default=sa.true()))
    with op.batch_alter_table("signing_key") as table:
        table.alter_column("confirmed", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)


def _contract_signature() -> None:
    with op.batch_alter_table("contract_signature") as table:
        table.add_column(sa.Column("form", sa.String(length=8), nullable=False, server_default="jws"))
        table.add_column(sa.Column("evidence", sa.LargeBinary(), nullable=True))
        table.add_column(sa.Column("path", sa.JSON(), nullable=True))
        table.add_column(sa.Column("trust", sa.String(length=60), nullable=True))
        table.add_column(sa.Column("crls", sa.JSON(), nullable=True))
        table.alter_column("protected", existing_type=sa.String(), nullable=True)
        table.alter_column("signature", existing_type=sa.String(), nullable=True)
        table.create_check_constraint("contract_signature_form", "form IN ('jws', 'cades', 'pades')")
        table.create_check_constraint(
            "contract_signature_whole",
            "(form = 'jws') = (protected IS NOT NULL) AND (form = 'jws') = (signature IS NOT NULL) "
            "AND (form = 'jws') = (evidence IS NULL)",
        )
    with op.batch_alter_table("contract_signature") as table:
        table.alter_column("form", existing_type=sa.String(length=8), existing_nullable=False, server_default=None)


def upgrade() -> None:
    """Make the tables and columns."""
    _trust_list()
    _revocation_list()
    _signing_key()
    _contract_signature()


def downgrade() -> None:
    """Drop them. Signatures by certificate are gone with them: the older tables cannot hold such."""
    op.execute("DELETE FROM contract_signature WHERE form <> 'jws' OR trust IS NOT NULL")
    op.execute("DELETE FROM signing_key WHERE chain IS NOT NULL")
    with op.batch_alter_table("contract_signature") as table:
        table.drop_constraint("contract_signature_whole", type_="check")
        table.drop_constraint("contract_signature_form", type_="check")
        for name in ("form", "evidence", "path", "trust", "crls"):
            table.drop_column(name)
        table.alter_column("protected", existing_type=sa.String(), nullable=False)
        table.alter_column("signature", existing_type=sa.String(), nullable=False)
    with op.batch_alter_table("signing_key") as table:
        for name in ("chain", "subject", "confirmed"):
            table.drop_column(name)
    op.drop_table("revocation_list")
    op.drop_table("trust_list")
