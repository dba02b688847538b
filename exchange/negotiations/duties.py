"""What the buyer owes when a contract is over: the statement of destruction, and what the seller says to it.

Commit with commit_logged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from contracts import canonical, statement
from contracts.duty import Answer, Duty, due_day, duty
from contracts.errors import ContractsError
from contracts.keys import decode
from contracts.negotiation import Role
from contracts.parts import Contract as Document
from contracts.terms import today
from exchange import audit
from exchange.accounts.models import SigningKey
from exchange.errors import N_, refuse
from exchange.negotiations import rules, standing, successors
from exchange.negotiations.models import Contract, DestructionStatement
from exchange.permissions import Actor, Permission

MAX_PAYLOAD = 2 * statement.MAX_BYTES  # characters of base64url


@dataclass(frozen=True)
class Owed:
    """How the duty of one contract stands; ``due`` is the last day for the statement."""

    state: Duty
    due: date
    statements: Sequence[DestructionStatement]  # oldest first; more than one only where the seller has disputed


def owed(session: Session, row: Contract, signed: Document, now: datetime) -> Owed:
    """Derived from the document, the contract's facts and the statements made. The caller has checked who reads."""
    made = statements_of(session, row.id)
    facts = standing.facts_of(session, row)
    state = duty(
        signed, facts, now, continued=successors.is_continued(session, row), stated=bool(made),
        answer=made[-1].answer if made else None,
    )  # fmt: skip
    return Owed(state, due_day(signed, facts), made)


def state_destruction(
    session: Session, actor: Actor | None, contract_id: str, entry: object, now: datetime
) -> DestructionStatement:
    """The buyer hands in a statement as a flattened JWS ``{payload, protected, signature}`` with the document inside.
    Refused, it leaves no trace."""
    row, actor, role = standing.locked(session, actor, contract_id, Permission.SIGN)
    if role is not Role.CONSUMER:
        text = N_("The buyer makes this statement; as the seller you acknowledge or dispute it.")
        raise refuse("STATEMENT_IS_THE_BUYERS", text, status=409)
    papers = standing.papers_of(session, row, actor)
    _check_owed(owed(session, row, papers.document, now).state)
    try:
        payload, signature = _parts(entry)
        read = statement.check(payload, papers.document)
        signed = statement.open_signature(payload, signature, now=now)
    except ContractsError as error:
        raise rules.say_error(error) from None
    _check_day(read.on, today(now), papers.document)
    _check_key(session, actor, signed.kid)
    event_id = audit.record(
        session, "duty.fulfilled", actor, on=[*standing.subjects(row), f"key:{signed.kid}"], now=now,
        hashes={"contract": row.sha256, "statement": read.hash, "signature": canonical.digest(signature)},
        details={"act": str(read.deed)},
    )  # fmt: skip
    made = DestructionStatement(
        contract_id=row.id, org_id=actor.org_id, user_id=actor.user_id, payload=payload, sha256=read.hash,
        thumbprint=signed.kid, stated_at=now, event_id=event_id,
        protected=signature["protected"], signature=signature["signature"],
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def answer(
    session: Session, actor: Actor | None, contract_id: str, given: str, reason: str, now: datetime
) -> DestructionStatement:
    """The seller acknowledges the newest statement, or disputes it with a reason; then the buyer may make another."""
    row, actor, role = standing.locked(session, actor, contract_id, Permission.SIGN)
    if role is not Role.PROVIDER:
        raise refuse("ANSWER_IS_THE_SELLERS", N_("The seller answers this statement."), status=409)
    if given not in tuple(map(str, Answer)):
        text = N_("Acknowledge the statement or dispute it.")
        raise refuse("ANSWER_UNKNOWN", text, field="answer", value=given, passes=", ".join(Answer))
    words = rules.check_reason(reason) if given == Answer.DISPUTED else reason.strip()[: rules.MAX_REASON]
    made = statements_of(session, row.id)
    if not made or made[-1].answer is not None:
        raise refuse("NO_STATEMENT", N_("There is no statement that waits for an answer."), status=409)
    newest = made[-1]
    newest.answer_event = audit.record(
        session, f"duty.{given}", actor, on=standing.subjects(row), now=now,
        hashes={"contract": row.sha256, "statement": newest.sha256},
        private={f"org:{actor.org_id}": {"reason": words}} if words else None,
    )  # fmt: skip
    newest.answer, newest.answer_reason, newest.answered_at = Answer(given), words, now
    session.add(newest)
    session.flush()
    return newest


def statements_of(session: Session, contract_id: str) -> Sequence[DestructionStatement]:
    """What the buyer has stated, oldest first."""
    query = select(DestructionStatement).where(DestructionStatement.contract_id == contract_id)
    return session.exec(query.order_by(col(DestructionStatement.stated_at), col(DestructionStatement.id))).all()


# --- inside -------------------------------------------------------------------------------------------------------


def _check_owed(state: Duty) -> None:
    if state in (Duty.STATED, Duty.ACKNOWLEDGED):
        raise refuse("ALREADY_STATED", N_("The statement has been made already."), status=409)
    if state is Duty.NONE:
        text = N_("Nothing is owed under this contract: it still runs, lives on in a successor, or is about open data.")
        raise refuse("NOTHING_OWED", text, status=409)


def _parts(entry: object) -> tuple[bytes, dict[str, str]]:
    """The document's bytes and the bare signature entry."""
    names = ("payload", "protected", "signature")
    if not isinstance(entry, dict) or set(entry) != set(names):
        raise statement.StatementError("SIGNATURE_MALFORMED", path="entry")
    for name in names:
        if not isinstance(entry[name], str) or len(entry[name]) > MAX_PAYLOAD:
            raise statement.StatementError("SIGNATURE_MALFORMED", path=name)
    return decode(entry["payload"], "payload"), {name: entry[name] for name in names[1:]}


def _check_day(on: date, current: date, signed: Document) -> None:
    """Not in the future, and not before the contract was made: data are destroyed after they were received."""
    made = today(signed.created)
    if not made <= on <= current:
        raise refuse(
            "STATEMENT_DAY", N_("The day must lie between %(first)s and today."), field="on", value=on.isoformat(),
            first=made.strftime("%d/%m/%Y"),
        )  # fmt: skip


def _check_key(session: Session, actor: Actor, kid: str) -> None:
    """A key that the organisation has registered and not revoked; it need not be one that the contract names."""
    key = session.exec(select(SigningKey).where(SigningKey.thumbprint == kid).with_for_update()).first()
    if key is None or key.org_id != actor.org_id or key.revoked_at is not None:
        text = N_("This key is not a valid signing key of your organisation.")
        raise refuse("KEY_UNKNOWN", text, value=kid, passes=N_("A key that stands on the page “Signing keys”."))
