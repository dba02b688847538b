"""Reports of a trial and its incidents. What happened because of them to the trial is a TrialEvent beside them."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from exchange.db import UtcDateTime, new_id
from exchange.trials.models import one_of
from sandbox.report import KINDS

SEVERITIES = ("minor", "serious")
INCIDENT_CODES = ("personal_data", "leak", "access", "outage", "integrity", "limit", "fraud", "other")


class TrialReport(SQLModel, table=True):
    """A report for one period, or at the exit: first a draft that can be counted anew, then submitted for good.

    ``counted`` is what sandbox.report made of the log under the head of ``size`` records, as canonical JSON; the four
    texts are the operator's own; ``payload`` is both together, as submitted, and ``sha256`` its name in the log.
    """

    __tablename__ = "trial_report"
    __table_args__ = (
        CheckConstraint(one_of("kind", KINDS), name="trial_report_kind"),
        CheckConstraint("first_day <= last_day", name="trial_report_days"),
        CheckConstraint("size > 0", name="trial_report_head"),
        CheckConstraint(
            "(submitted_at IS NULL) = (payload IS NULL) AND (submitted_at IS NULL) = (sha256 IS NULL)"
            " AND (submitted_at IS NULL) = (event_id IS NULL)",
            name="trial_report_submitted_whole",
        ),
        Index(
            "trial_report_draft_once",
            "trial_id",
            "kind",
            "last_day",
            unique=True,
            sqlite_where=text("submitted_at IS NULL"),
            postgresql_where=text("submitted_at IS NULL"),
        ),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    trial_id: str = Field(foreign_key="trial.id", max_length=26, index=True)
    kind: str = Field(max_length=8)
    first_day: date  # whole days in Viet Nam, both included
    last_day: date
    due: date | None = None  # the last day on which it is in time; None: no day is set for an exit report
    size: int
    counted: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    counted_at: datetime = Field(sa_type=UtcDateTime)
    answer: str = ""  # what the trial has found out so far, in answer to its question
    result: str = ""  # how far the measure of success is reached
    deviations: str = ""  # departures from what the certificate says, and why
    remarks: str = ""
    payload: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    sha256: str | None = Field(default=None, max_length=60)
    submitted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    submitted_by: str | None = Field(default=None, foreign_key="user_account.id", max_length=26)
    event_id: str | None = Field(default=None, max_length=26, unique=True)


class TrialIncident(SQLModel, table=True):
    """An incident of the trial (T13). Details about persons are not here: they are erasable disclosures of its record.

    One that the operator or a regulator calls serious is a TrialEvent as well, ``trial_event_id``, and holds the trial
    up until it is closed. What a member calls serious waits for one of them to confirm it.
    """

    __tablename__ = "trial_incident"
    __table_args__ = (
        CheckConstraint(one_of("severity", SEVERITIES), name="trial_incident_severity"),
        CheckConstraint(one_of("code", INCIDENT_CODES), name="trial_incident_code"),
        CheckConstraint("detected_at <= found_at", name="trial_incident_detected"),
        CheckConstraint("length(what) > 0", name="trial_incident_what"),
        CheckConstraint("severity = 'serious' OR trial_event_id IS NULL", name="trial_incident_event"),
        CheckConstraint("(reported_at IS NULL) = (reported_event IS NULL)", name="trial_incident_reported"),
        CheckConstraint(
            "(closed_at IS NULL) = (closed_event IS NULL) AND (closed_at IS NULL OR (length(cause) > 0 AND "
            "length(remedy) > 0))",
            name="trial_incident_closed",
        ),
        CheckConstraint(
            "trial_event_id IS NULL OR closed_at IS NULL OR reported_at IS NOT NULL", name="trial_incident_order"
        ),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    trial_id: str = Field(foreign_key="trial.id", max_length=26, index=True)
    severity: str = Field(max_length=8)
    code: str = Field(max_length=16)
    what: str  # what happened
    measures: str = ""  # taken at once
    detected_at: datetime = Field(sa_type=UtcDateTime)  # from here on the clock runs
    found_at: datetime = Field(sa_type=UtcDateTime)  # when it was recorded here
    org_id: str = Field(foreign_key="organisation.id", max_length=26)  # who told of it
    found_by: str | None = Field(default=None, foreign_key="user_account.id", max_length=26)
    found_event: str = Field(max_length=26, unique=True)
    trial_event_id: str | None = Field(default=None, foreign_key="trial_event.id", max_length=26)
    reported_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # to the authority
    reported_event: str | None = Field(default=None, max_length=26, unique=True)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    cause: str = ""
    remedy: str = ""
    closed_event: str | None = Field(default=None, max_length=26, unique=True)
