"""The log's keys, cosignatures, outside proofs of time, salted disclosures."""

import json

import sqlalchemy as sa
from alembic import op

from contracts import canonical
from exchange.ledger.models import WHOLE_POSTGRESQL

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# fmt: off

def _log_key() -> None:
    op.create_table('log_key',
    sa.Column('vkey', sa.String(length=300), nullable=False),
    sa.Column('since', sa.BigInteger(), nullable=False),
    sa.Column('until', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('vkey')
    )
    op.execute("INSERT INTO log_key (vkey, since) SELECT vkey, 0 FROM log_state")
    with op.batch_alter_table('log_state') as table:
        table.drop_column('vkey')


def _log_cosignature() -> None:
    op.create_table('log_cosignature',
    sa.Column('size', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('witness', sa.String(length=200), nullable=False),
    sa.Column('line', sa.String(length=600), nullable=False),
    sa.Column('seen_s', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('size', 'witness')
    )


def _log_anchor() -> None:
    op.create_table('log_anchor',
    sa.Column('size', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('period', sa.String(length=20), nullable=False),
    sa.Column('token', sa.LargeBinary(), nullable=False),
    sa.Column('stamped_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('size', 'kind')
    )
    op.create_index(op.f('ix_log_anchor_period'), 'log_anchor', ['period'], unique=False)


def _disclosures() -> None:
    op.create_table('subject_key',
    sa.Column('subject', sa.String(length=80), nullable=False),
    sa.Column('key', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('subject')
    )
    op.create_table('log_disclosure',
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('subject', sa.String(length=80), nullable=False),
    sa.Column('ciphertext', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('event_id', 'position')
    )
    op.create_index(op.f('ix_log_disclosure_subject'), 'log_disclosure', ['subject'], unique=False)


# fmt: on


def _outbox_names_no_predecessors() -> None:
    """Until now a waiting record named the event before it; from now on the sequencer does. The chains go back to where
    they stood before the records that still wait."""
    waiting = sa.table("log_outbox", sa.column("id"), sa.column("leaf"))
    last = sa.table("log_last_event", sa.column("subject"), sa.column("event_id"))
    connection, seen = op.get_bind(), set[str]()
    for row in connection.execute(sa.select(waiting).order_by(waiting.c.id)).all():
        leaf = json.loads(row.leaf)
        subject, prev = leaf["on"][0], leaf["prev"]
        here = last.c.subject == subject
        if subject not in seen and prev is None:
            connection.execute(last.delete().where(here))
        elif subject not in seen:
            connection.execute(last.update().where(here).values(event_id=prev))
        seen.add(subject)
        data = canonical.dumps({**leaf, "prev": None})
        connection.execute(waiting.update().where(waiting.c.id == row.id).values(leaf=data))


def upgrade() -> None:
    """Make the tables; the log's one key so far moves into its own."""
    _outbox_names_no_predecessors()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(WHOLE_POSTGRESQL)
    _log_key()
    _log_cosignature()
    _log_anchor()
    _disclosures()


def downgrade() -> None:
    """Drop them; the newest key goes back to where it was."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER log_entry_whole ON log_entry")
    with op.batch_alter_table("log_state") as table:
        table.add_column(sa.Column("vkey", sa.String(length=300), nullable=False, server_default=""))
    op.execute("UPDATE log_state SET vkey = (SELECT vkey FROM log_key ORDER BY since DESC LIMIT 1)")
    for table_name in ("log_disclosure", "subject_key", "log_anchor", "log_cosignature", "log_key"):
        op.drop_table(table_name)
