"""Reports of a trial, and its incidents."""

import sqlalchemy as sa
from alembic import op

from exchange.db import UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_DRAFT = "submitted_at IS NULL"
_CODES = "code IN ('personal_data', 'leak', 'access', 'outage', 'integrity', 'limit', 'fraud', 'other')"

# fmt: off

def _report() -> None:
    op.create_table('trial_report',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('trial_id', sa.String(length=26), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=False),
    sa.Column('due', sa.Date(), nullable=True),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('counted', sa.LargeBinary(), nullable=False),
    sa.Column('counted_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('answer', sa.String(), nullable=False),
    sa.Column('result', sa.String(), nullable=False),
    sa.Column('deviations', sa.String(), nullable=False),
    sa.Column('remarks', sa.String(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=True),
    sa.Column('sha256', sa.String(length=60), nullable=True),
    sa.Column('submitted_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('submitted_by', sa.String(length=26), nullable=True),
    sa.Column('event_id', sa.String(length=26), nullable=True),
    sa.CheckConstraint("kind IN ('periodic', 'exit')", name='trial_report_kind'),
    sa.CheckConstraint('first_day <= last_day', name='trial_report_days'),
    sa.CheckConstraint('size > 0', name='trial_report_head'),
    sa.CheckConstraint('(submitted_at IS NULL) = (payload IS NULL) AND (submitted_at IS NULL) = (sha256 IS NULL) AND (submitted_at IS NULL) = (event_id IS NULL)', name='trial_report_submitted_whole'),
    sa.ForeignKeyConstraint(['submitted_by'], ['user_account.id']),
    sa.ForeignKeyConstraint(['trial_id'], ['trial.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('event_id')
    )
    op.create_index(op.f('ix_trial_report_trial_id'), 'trial_report', ['trial_id'], unique=False)
    op.create_index('trial_report_draft_once', 'trial_report', ['trial_id', 'kind', 'last_day'], unique=True, sqlite_where=sa.text(_DRAFT), postgresql_where=sa.text(_DRAFT))


def _incident() -> None:
    op.create_table('trial_incident',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('trial_id', sa.String(length=26), nullable=False),
    sa.Column('severity', sa.String(length=8), nullable=False),
    sa.Column('code', sa.String(length=16), nullable=False),
    sa.Column('what', sa.String(), nullable=False),
    sa.Column('measures', sa.String(), nullable=False),
    sa.Column('detected_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('found_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('found_by', sa.String(length=26), nullable=True),
    sa.Column('found_event', sa.String(length=26), nullable=False),
    sa.Column('trial_event_id', sa.String(length=26), nullable=True),
    sa.Column('reported_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('reported_event', sa.String(length=26), nullable=True),
    sa.Column('closed_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('cause', sa.String(), nullable=False),
    sa.Column('remedy', sa.String(), nullable=False),
    sa.Column('closed_event', sa.String(length=26), nullable=True),
    sa.CheckConstraint("severity IN ('minor', 'serious')", name='trial_incident_severity'),
    sa.CheckConstraint(_CODES, name='trial_incident_code'),
    sa.CheckConstraint('detected_at <= found_at', name='trial_incident_detected'),
    sa.CheckConstraint('length(what) > 0', name='trial_incident_what'),
    sa.CheckConstraint("severity = 'serious' OR trial_event_id IS NULL", name='trial_incident_event'),
    sa.CheckConstraint('(reported_at IS NULL) = (reported_event IS NULL)', name='trial_incident_reported'),
    sa.CheckConstraint('(closed_at IS NULL) = (closed_event IS NULL) AND (closed_at IS NULL OR (length(cause) > 0 AND length(remedy) > 0))', name='trial_incident_closed'),
    sa.CheckConstraint("trial_event_id IS NULL OR closed_at IS NULL OR reported_at IS NOT NULL", name='trial_incident_order'),
    sa.ForeignKeyConstraint(['found_by'], ['user_account.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.ForeignKeyConstraint(['trial_event_id'], ['trial_event.id']),
    sa.ForeignKeyConstraint(['trial_id'], ['trial.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('closed_event'),
    sa.UniqueConstraint('found_event'),
    sa.UniqueConstraint('reported_event')
    )
    op.create_index(op.f('ix_trial_incident_trial_id'), 'trial_incident', ['trial_id'], unique=False)


# fmt: on


def upgrade() -> None:
    """Make the tables; nothing was reported before."""
    _report()
    _incident()


def downgrade() -> None:
    """Drop them. What was submitted stays known by its digest in the log."""
    op.drop_table("trial_incident")
    op.drop_table("trial_report")
