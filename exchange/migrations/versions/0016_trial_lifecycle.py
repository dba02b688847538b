"""Authorities, applications for a trial, every kind of event of a trial, what participants state of themselves."""

import json

import sqlalchemy as sa
from alembic import op

from exchange.db import UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_KINDS_BEFORE = "kind IN ('extended', 'suspended', 'resumed', 'terminated')"
_KINDS = (
    "kind IN ('extension_asked', 'extended', 'extension_refused', 'reported', 'incident', 'incident_reported', "
    "'incident_closed', 'security_renewed', 'suspended', 'resumed', 'terminated', 'exit_reported', 'evaluated', 'closed')"
)
_WITH_REASON = "NOT (kind IN ('extension_refused', 'suspended', 'resumed', 'terminated')) OR length(reason) > 0"
_APPROVER = "approver IN ('provincial', 'ministry', 'public_security')"
_STATED = (
    "(vietnamese IS NULL) = (reorganising IS NULL) AND (vietnamese IS NULL) = (manager_degree IS NULL)"
    " AND (vietnamese IS NULL) = (manager_years IS NULL)"
)
_ENDED = (
    "(ended_at IS NULL) = (end_code IS NULL) AND (end_code IS NULL OR "
    "end_code IN ('left', 'false_statement', 'not_eligible'))"
)
_CURRENT = "ended_at IS NULL"
_DEFAULTS = {"safeguards": "[]", "question": "", "measure": "", "conditions": "", "profile": "pilot"}

# fmt: off

def _authority() -> None:
    op.create_table('trial_authority',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('approver', sa.String(), nullable=False),
    sa.Column('provinces', sa.JSON(), nullable=False),
    sa.Column('basis', sa.String(length=300), nullable=False),
    sa.Column('since', UtcDateTime(timezone=True), nullable=False),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.Column('ended_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('ended_event', sa.String(length=26), nullable=True),
    sa.CheckConstraint(_APPROVER, name='trial_authority_approver'),
    sa.CheckConstraint('(ended_at IS NULL) = (ended_event IS NULL)', name='trial_authority_ended_whole'),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('ended_event'),
    sa.UniqueConstraint('event_id')
    )
    op.create_index('trial_authority_once', 'trial_authority', ['org_id'], unique=True, sqlite_where=sa.text(_CURRENT), postgresql_where=sa.text(_CURRENT))


def _application() -> None:
    op.create_table('trial_application',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('dossier', sa.JSON(), nullable=False),
    sa.Column('authority_id', sa.String(length=26), nullable=True),
    sa.Column('submitted_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("state IN ('draft', 'submitted', 'returned', 'approved', 'refused', 'withdrawn')", name='trial_application_state'),
    sa.CheckConstraint("state = 'draft' OR (authority_id IS NOT NULL AND submitted_at IS NOT NULL AND due_on IS NOT NULL)", name='trial_application_submitted_whole'),
    sa.ForeignKeyConstraint(['authority_id'], ['trial_authority.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_trial_application_org_id'), 'trial_application', ['org_id'], unique=False)
    op.create_index('trial_application_waiting', 'trial_application', ['state', 'due_on'], unique=False)
    op.create_table('trial_application_step',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('application_id', sa.String(length=26), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('org_id', sa.String(length=26), nullable=False),
    sa.Column('reason', sa.String(length=2000), nullable=False),
    sa.Column('digest', sa.String(length=60), nullable=False),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.CheckConstraint("kind IN ('submitted', 'returned', 'approved', 'refused', 'withdrawn')", name='trial_application_step_kind'),
    sa.CheckConstraint("kind NOT IN ('returned', 'refused') OR length(reason) > 0", name='trial_application_step_why'),
    sa.ForeignKeyConstraint(['application_id'], ['trial_application.id']),
    sa.ForeignKeyConstraint(['org_id'], ['organisation.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('event_id')
    )
    op.create_index(op.f('ix_trial_application_step_application_id'), 'trial_application_step', ['application_id'], unique=False)


# fmt: on


def _trial() -> None:
    with op.batch_alter_table("trial") as table:
        table.add_column(sa.Column("approver", sa.String(), nullable=True))
        table.add_column(sa.Column("authority_org_id", sa.String(length=26), nullable=True))
        table.add_column(sa.Column("safeguards", sa.JSON(), nullable=False, server_default="[]"))
        for name in ("question", "measure", "conditions"):
            table.add_column(sa.Column(name, sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("security_valid_to", sa.Date(), nullable=True))
        table.add_column(sa.Column("profile", sa.String(length=20), nullable=False, server_default="pilot"))
    rows = sa.table(
        "trial", sa.column("id"), sa.column("level"), sa.column("territory", sa.JSON()), sa.column("approver")
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(rows.c.id, rows.c.level, rows.c.territory)).all():
        values = {"approver": _approver(row.level, row.territory)}
        connection.execute(rows.update().where(rows.c.id == row.id).values(values))
    with op.batch_alter_table("trial") as table:
        table.alter_column("approver", existing_type=sa.String(), nullable=False)
        for name in _DEFAULTS:
            kind = sa.JSON() if name == "safeguards" else sa.String(length=20 if name == "profile" else None)
            table.alter_column(name, existing_type=kind, existing_nullable=False, server_default=None)
        table.create_check_constraint("trial_approver", _APPROVER)
        table.create_foreign_key("trial_authority_org", "organisation", ["authority_org_id"], ["id"])


def _approver(level: int, territory: object) -> str:
    """Who had to issue a certificate that was copied from paper (T11): nobody wrote it down then."""
    places = json.loads(territory) if isinstance(territory, str) else list(territory)  # type: ignore[call-overload]
    if level == 3:
        return "public_security"
    return "provincial" if len(places) == 1 and "-" in places[0] else "ministry"


def _trial_event() -> None:
    with op.batch_alter_table("trial_event") as table:
        table.drop_constraint("trial_event_kind", type_="check")
        table.drop_constraint("trial_event_reason", type_="check")
        table.create_check_constraint("trial_event_kind", _KINDS)
        table.create_check_constraint("trial_event_reason", _WITH_REASON)
        table.alter_column("org_id", existing_type=sa.String(length=26), nullable=True)
        table.add_column(sa.Column("code", sa.String(length=40), nullable=False, server_default=""))
        table.add_column(sa.Column("about", sa.String(length=26), nullable=True))
        table.create_foreign_key("trial_event_about", "trial_event", ["about"], ["id"])
    with op.batch_alter_table("trial_event") as table:
        table.alter_column("code", existing_type=sa.String(length=40), existing_nullable=False, server_default=None)


def _enrolment() -> None:
    with op.batch_alter_table("enrolment") as table:
        table.add_column(sa.Column("vietnamese", sa.Boolean(), nullable=True))
        table.add_column(sa.Column("reorganising", sa.Boolean(), nullable=True))
        table.add_column(sa.Column("licence_valid_to", sa.Date(), nullable=True))
        table.add_column(sa.Column("manager_degree", sa.String(length=20), nullable=True))
        table.add_column(sa.Column("manager_years", sa.Integer(), nullable=True))
        table.add_column(sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("end_code", sa.String(length=20), nullable=True))
        table.add_column(sa.Column("end_reason", sa.String(length=2000), nullable=True))
        table.create_check_constraint("enrolment_stated_whole", _STATED)
        table.create_check_constraint("enrolment_ended_whole", _ENDED)


def upgrade() -> None:
    """Make the tables. A trial that is there was copied from paper; who joined it stated nothing and stays in it."""
    _trial()
    _trial_event()
    _enrolment()
    _authority()
    _application()


def downgrade() -> None:
    """Drop them. Events of kinds that were unknown before are gone, and so is who left a trial."""
    for name in ("trial_application_step", "trial_application", "trial_authority"):
        op.drop_table(name)
    op.execute("DELETE FROM enrolment WHERE ended_at IS NOT NULL")
    with op.batch_alter_table("enrolment") as table:
        for name in ("enrolment_stated_whole", "enrolment_ended_whole"):
            table.drop_constraint(name, type_="check")
        for name in ("vietnamese", "reorganising", "licence_valid_to", "manager_degree", "manager_years"):
            table.drop_column(name)
        for name in ("ended_at", "end_code", "end_reason"):
            table.drop_column(name)
    op.execute(
        "DELETE FROM trial_event WHERE kind NOT IN ('extended', 'suspended', 'resumed', 'terminated') "
        "OR org_id IS NULL OR length(reason) = 0"
    )
    with op.batch_alter_table("trial_event") as table:
        table.drop_constraint("trial_event_about", type_="foreignkey")
        for name in ("trial_event_kind", "trial_event_reason"):
            table.drop_constraint(name, type_="check")
        table.create_check_constraint("trial_event_kind", _KINDS_BEFORE)
        table.create_check_constraint("trial_event_reason", "length(reason) > 0")
        table.alter_column("org_id", existing_type=sa.String(length=26), nullable=False)
        table.drop_column("code")
        table.drop_column("about")
    with op.batch_alter_table("trial") as table:
        table.drop_constraint("trial_authority_org", type_="foreignkey")
        table.drop_constraint("trial_approver", type_="check")
        for name in ("approver", "authority_org_id", "security_valid_to", *_DEFAULTS):
            table.drop_column(name)
