"""Which organisation may permit which trials (T10, T11): recorded by the operator, on record for everybody."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from exchange import audit
from exchange.accounts.models import Organisation
from exchange.db import new_id
from exchange.errors import N_, NotFound, Refusal, Refused, refuse
from exchange.permissions import Actor, OrgKind, Permission, require
from exchange.trials.application_models import Authority
from sandbox.rules import Competence
from sandbox.trial import Approver

BASIS = Competence.basis
LONGEST_BASIS = 300

Named = tuple[Authority, Organisation]


def record_authority(
    session: Session,
    actor: Actor | None,
    org: str,
    approver: str,
    provinces: Sequence[str],
    basis: str,
    now: datetime,
) -> Authority:
    """Record that the organisation ``org`` (tax code or id), a regulator, may permit trials. A newer record replaces.

    ``basis`` names the document that gives it the power. A provincial authority names its provinces; the other kinds
    act for the whole country.
    """
    actor = require(actor, Permission.RUN_TRIAL)
    found = _regulator(session, org)
    places = sorted(set(provinces))
    problems = _problems(approver, places, basis)
    if problems:
        raise Refused(*problems)
    standing = current(session, found.id)
    if standing is not None:
        if (standing.approver, standing.provinces, standing.basis) == (approver, places, basis.strip()):
            return standing  # a form sent twice acts once
        _end(session, actor, standing, now)
    authority_id = new_id()
    event_id = audit.record(
        session, "authority.recorded", actor, on=[f"authority:{authority_id}", f"org:{found.id}"], now=now,
        details={"approver": approver, "provinces": " ".join(places)},
    )  # fmt: skip
    row = Authority(
        id=authority_id, org_id=found.id, approver=Approver(approver), provinces=places, basis=basis.strip(), since=now,
        event_id=event_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def end_authority(session: Session, actor: Actor | None, authority_id: str, now: datetime) -> Authority:
    """Record that it may permit no more trials. What it permitted stands."""
    actor = require(actor, Permission.RUN_TRIAL)
    row = session.get(Authority, authority_id, with_for_update=True)
    if row is None:
        raise NotFound(authority_id)
    if row.ended_at is None:
        _end(session, actor, row, now)
    return row


def authorities(session: Session) -> list[Named]:
    """Those that may permit trials now, by name."""
    query = (
        select(Authority, Organisation)
        .join(Organisation, col(Organisation.id) == col(Authority.org_id))
        .where(col(Authority.ended_at).is_(None))
        .order_by(col(Organisation.name), col(Authority.id))
    )
    return list(session.exec(query).all())


def current(session: Session, org_id: str) -> Authority | None:
    """What this organisation may permit, if anything."""
    return session.exec(select(Authority).where(Authority.org_id == org_id, col(Authority.ended_at).is_(None))).first()


def _end(session: Session, actor: Actor, row: Authority, now: datetime) -> None:
    event_id = audit.record(session, "authority.ended", actor, on=[f"authority:{row.id}", f"org:{row.org_id}"], now=now)
    row.ended_at, row.ended_event = now, event_id  # at once: recording asks the database, which would see one of them
    session.add(row)
    session.flush()


def _regulator(session: Session, org: str) -> Organisation:
    wanted = org.strip()
    query = select(Organisation).where((col(Organisation.id) == wanted) | (col(Organisation.tax_code) == wanted))
    found = session.exec(query.with_for_update()).first()
    if found is None or found.kind != OrgKind.REGULATOR:
        text = N_("No regulator on this exchange has this tax code.")
        passes = N_("Let the authority join first, as a regulator (minhbach join --kind regulator).")
        raise refuse("AUTHORITY_UNKNOWN", text, field="org", value=wanted, passes=passes)
    return found


def _problems(approver: str, provinces: Sequence[str], basis: str) -> list[Refusal]:
    found = []
    if approver not in set(Approver):
        text = N_("Choose what kind of authority it is.")
        found.append(Refusal("FIELD_INVALID", text, field="approver", value=approver, passes=", ".join(Approver)))
    elif (approver == Approver.PROVINCIAL) != bool(provinces):
        text = N_("A provincial authority has its provinces; a ministry and public security act for the whole country.")
        passes = N_("VN-SG for Ho Chi Minh City; nothing for a ministry.")
        value = ", ".join(provinces)
        found.append(Refusal("AUTHORITY_PROVINCES", text, field="provinces", basis=BASIS, value=value, passes=passes))
    if not 0 < len(basis.strip()) <= LONGEST_BASIS:
        text = N_("Name the document that gives it this power, in at most 300 characters.")
        found.append(Refusal("AUTHORITY_BASIS", text, field="basis", basis=BASIS))
    return found
