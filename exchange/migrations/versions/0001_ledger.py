"""The log."""

import sqlalchemy as sa
from alembic import op

from exchange.ledger.models import IMMUTABLE_POSTGRESQL, IMMUTABLE_SQLITE

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# fmt: off

def _log_checkpoint() -> None:
    op.create_table('log_checkpoint',
    sa.Column('size', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('root', sa.LargeBinary(length=32), nullable=False),
    sa.Column('note', sa.String(), nullable=True),
    sa.Column('made_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('size')
    )


def _log_entry() -> None:
    op.create_table('log_entry',
    sa.Column('idx', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.Column('event', sa.String(length=40), nullable=False),
    sa.Column('at_ms', sa.BigInteger(), nullable=False),
    sa.Column('actor', sa.String(length=80), nullable=False),
    sa.Column('leaf', sa.LargeBinary(), nullable=False),
    sa.Column('leaf_hash', sa.LargeBinary(length=32), nullable=False),
    sa.PrimaryKeyConstraint('idx'),
    sa.UniqueConstraint('event_id')
    )
    op.create_index(op.f('ix_log_entry_actor'), 'log_entry', ['actor'], unique=False)
    op.create_index('log_entry_at', 'log_entry', ['at_ms'], unique=False)
    op.create_index('log_entry_event_type', 'log_entry', ['event', 'idx'], unique=False)


def _log_last_event() -> None:
    op.create_table('log_last_event',
    sa.Column('subject', sa.String(length=80), nullable=False),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.PrimaryKeyConstraint('subject')
    )


def _log_outbox() -> None:
    op.create_table('log_outbox',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.Column('leaf', sa.LargeBinary(), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('event_id')
    )


def _log_state() -> None:
    op.create_table('log_state',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('origin', sa.String(length=200), nullable=False),
    sa.Column('vkey', sa.String(length=300), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('frontier', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )


def _log_subject() -> None:
    op.create_table('log_subject',
    sa.Column('subject', sa.String(length=80), nullable=False),
    sa.Column('idx', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('subject', 'idx')
    )


def _log_tile() -> None:
    op.create_table('log_tile',
    sa.Column('level', sa.Integer(), nullable=False),
    sa.Column('n', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('level', 'n')
    )


# fmt: on


def upgrade() -> None:
    """Make the tables."""
    _log_checkpoint()
    _log_entry()
    _log_last_event()
    _log_outbox()
    _log_state()
    _log_subject()
    _log_tile()
    immutable = IMMUTABLE_POSTGRESQL if op.get_bind().dialect.name == "postgresql" else IMMUTABLE_SQLITE
    for statement in immutable:
        op.execute(statement)


def downgrade() -> None:
    """Drop them; what they held is gone."""
    op.drop_table("log_tile")
    op.drop_table("log_subject")
    op.drop_table("log_state")
    op.drop_table("log_outbox")
    op.drop_table("log_last_event")
    op.drop_table("log_entry")
    op.drop_table("log_checkpoint")
