"""What can be permitted, by whom, and what can happen to a trial: the words its certificate and history are made of."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Verb(StrEnum):
    """The four things Decision 1437/QĐ-TTg lets a trial settle about data."""

    OWN = "own"  # sở hữu
    MANAGE = "manage"  # quản lý
    PROCESS = "process"  # xử lý
    DISTRIBUTE = "distribute"  # phân phối


class Approver(StrEnum):
    """The three kinds of authority that may permit a trial (T11)."""

    PROVINCIAL = "provincial"  # People's Committee of a province
    MINISTRY = "ministry"
    PUBLIC_SECURITY = "public_security"  # Ministry of Public Security


class EventKind(StrEnum):
    """What may happen to a trial. The fields of Event that a kind uses stand beside it."""

    EXTENSION_ASKED = "extension_asked"  # until: the last day that is asked for
    EXTENDED = "extended"  # until: the new last day; about: id of the asking
    EXTENSION_REFUSED = "extension_refused"  # about: id of the asking
    REPORTED = "reported"  # until: last day of the period that the report covers
    INCIDENT = "incident"  # at: detection of a serious incident, or of a limit that was exceeded
    INCIDENT_REPORTED = "incident_reported"  # about: id of the incident
    INCIDENT_CLOSED = "incident_closed"  # about: id of the incident
    SECURITY_RENEWED = "security_renewed"  # until: last day of the newer certificate (X2)
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    TERMINATED = "terminated"  # code: one of Termination
    EXIT_REPORTED = "exit_reported"
    EVALUATED = "evaluated"
    CLOSED = "closed"


class Termination(StrEnum):
    """Why a trial is terminated: the closed list of T17."""

    FRAUD = "fraud"
    FALSE_DOSSIER = "false_dossier"
    SECURITY_HARM = "security_harm"
    INSPECTION_REFUSED = "inspection_refused"
    SELF_EXIT = "self_exit"


@dataclass(frozen=True)
class Event:
    """One thing that happened to the trial, at an aware moment."""

    kind: EventKind
    at: datetime
    until: date | None = None
    reason: str = ""
    id: str = ""
    about: str = ""
    code: str = ""
