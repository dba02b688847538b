"""What an organisation demands of itself before it is bound: a person's approval of the terms, a second signer's yes.

An approval is one person's, for their own side, to exactly these terms or to signing exactly this contract. Two persons
it takes: neither who put the terms on the table nor who now acts on them can have approved them, and a program never
can. It may be withdrawn until it was used.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from contracts.negotiation import FINAL, PROPOSALS, Act
from contracts.negotiation import Role as Side
from exchange import audit
from exchange.accounts.members import members_of
from exchange.accounts.models import Organisation, User
from exchange.accounts.rules import roles_for
from exchange.accounts.service import require_person, roles_of
from exchange.clock import VIETNAM
from exchange.errors import N_, NotFound, NotPermitted, Refusal, Refused, refuse
from exchange.negotiations import moves, rules
from exchange.negotiations.models import AgreeRule, Approval, ApprovalRule, Contract, Negotiation
from exchange.permissions import Actor, Permission, Role, require


class What(StrEnum):
    """What is approved."""

    TERMS = "terms"
    SIGNATURE = "signature"


_SCOPE = {What.TERMS: "negotiate", What.SIGNATURE: "sign"}  # that a person's program needs to hand in their approval
SIGNERS = frozenset({Role.OWNER, Role.SIGNER})  # who may be the second signer: those who may sign
_BY = {
    Role.OWNER: N_("An approval by an owner of your organisation."),
    Role.PUBLISHER: N_("An approval by a person of your organisation who has the role “publisher”."),
    Role.SIGNER: N_("An approval by a person of your organisation who has the role “signer”."),
    Role.ANALYST: N_("An approval by a person of your organisation who has the role “analyst”."),
    Role.FINANCE: N_("An approval by a person of your organisation who has the role “finance”."),
}
_BY_SIGNER = N_("An approval by a second person of your organisation who may sign.")


# --- what is demanded ---------------------------------------------------------------------------------------------


def rule_of(session: Session, org_id: str) -> ApprovalRule | None:
    """What the organisation demands; None: nothing."""
    return session.get(ApprovalRule, org_id)


def set_rule(session: Session, actor: Actor | None, role: str, second_signer: bool, now: datetime) -> ApprovalRule:
    """An owner demands approval of terms by a person with ``role`` (empty: of nobody) and, or not, a second signer.

    Only a person at a page may: a program must not do away with what keeps it in check.
    """
    actor = require_person(actor, Permission.MANAGE_MEMBERS)
    session.get_one(Organisation, actor.org_id, with_for_update=True)  # automatic.set_rule waits for it too
    found = [*_setting_problems(session, actor, role, second_signer)]
    if found:
        raise Refused(*found)
    event_id = audit.record(
        session,
        "account.changed",
        actor,
        on=[f"org:{actor.org_id}"],
        now=now,
        details={"change": "approval"},
        private={f"org:{actor.org_id}": {"role": role, "second_signer": second_signer}},
    )
    row = rule_of(session, actor.org_id) or ApprovalRule(org_id=actor.org_id, changed_at=now, event_id=event_id)
    row.role, row.second_signer = Role(role) if role else None, second_signer
    row.changed_at, row.event_id = now, event_id
    session.add(row)
    session.flush()
    return row


def _setting_problems(session: Session, actor: Actor, role: str, second_signer: bool) -> list[Refusal]:
    if role and role not in roles_for(actor.kind):
        return [Refusal("ROLE_UNKNOWN", N_("Choose a role from the list."), field="role", value=role)]
    people = [set(member.roles) for member in members_of(session, actor.org_id)]
    found = []
    if role and (len(people) < 2 or not any(role in roles for roles in people)):
        text = N_("It takes two persons, and at least one of them with this role. Invite somebody first.")
        found.append(Refusal("APPROVER_MISSING", text, field="role", value=role))
    if second_signer and len([roles for roles in people if roles & SIGNERS]) < 2:
        text = N_("Fewer than two persons of your organisation may sign. Give somebody the role “signer” first.")
        found.append(Refusal("SECOND_SIGNER_MISSING", text, field="second_signer"))
    if role and session.exec(select(AgreeRule).where(AgreeRule.org_id == actor.org_id)).first():
        text = N_("A rule agrees to requests for a listing of yours by itself. End it first: a rule is no person.")
        found.append(Refusal("AGREE_RULE_STANDS", text, field="role"))
    return found


# --- approving ----------------------------------------------------------------------------------------------------


def approve(
    session: Session, actor: Actor | None, negotiation_id: str, what: str, seen: str, now: datetime
) -> Approval:
    """A person's yes to the terms on the table, or to signing the contract drawn up; ``seen`` is its digest."""
    actor = require(actor, Permission.SIGNED_IN)
    negotiation, side = _ours(session, actor, negotiation_id)
    kind = _kind(what)
    user_id = _check_approver(session, actor, kind)
    if negotiation.state in FINAL:
        raise refuse("NEGOTIATION_CLOSED", N_("This negotiation is over; nothing is left to approve."), status=409)
    rules.check_open(negotiation, now)
    _check_digest(session, negotiation, side, kind, seen)
    if kind is What.TERMS and _proposed(session, negotiation, user_id, seen):
        raise _four_eyes(N_("You put these terms on the table yourself, so another person approves them."))
    standing = [row for row in _standing(session, negotiation, actor.org_id, kind, seen) if row.user_id == user_id]
    if standing:
        text = N_("You approved this already, at %(at)s.")
        raise refuse("APPROVED_ALREADY", text, at=_moment(standing[0].given_at), value=standing[0].id, status=409)
    row = Approval(
        negotiation_id=negotiation.id, org_id=actor.org_id, user_id=user_id, what=kind, digest=seen, given_at=now,
        event_id=_record(session, "approval.given", actor, negotiation, kind, seen, now),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def withdraw(session: Session, actor: Actor | None, approval_id: str, now: datetime) -> Approval:
    """Take an approval back before it was used: whoever gave it, or an owner."""
    actor = require(actor, Permission.SIGNED_IN)
    row = session.get(Approval, approval_id)
    if row is None or row.org_id != actor.org_id:
        raise NotFound(approval_id)
    negotiation, _side = _ours(session, actor, row.negotiation_id)
    session.refresh(row)
    _check_person(actor, What(row.what))
    if row.user_id != actor.user_id and Role.OWNER not in actor.roles:
        raise NotPermitted(Permission.SIGNED_IN, N_("Only the person who approved, or an owner, can take it back."))
    if row.used_at is not None:
        text = N_("This approval was used at %(at)s and stands.")
        raise refuse("APPROVAL_USED", text, at=_moment(row.used_at), status=409)
    if row.withdrawn_at is not None:
        raise refuse("APPROVAL_WITHDRAWN", N_("This approval was withdrawn already."), status=409)
    _record(session, "approval.withdrawn", actor, negotiation, What(row.what), row.digest, now)
    row.withdrawn_at = now
    session.add(row)
    session.flush()
    return row


def use(session: Session, negotiation: Negotiation, actor: Actor, what: What, digest: str, now: datetime) -> None:
    """Before a side is bound: raise unless the approval that it demands of itself is there, by somebody other than
    the actor who still has the role. From now on that approval stands. The negotiation is locked."""
    roles = _demanded(session, actor.org_id, what)
    if roles is None:
        return
    given = _standing(session, negotiation, actor.org_id, what, digest)
    if any(row.used_at for row in given):
        return
    valid = [row for row in given if roles_of(session, row.user_id, actor.org_id) & roles]
    if what is What.TERMS:  # who approved may have proposed these very terms since
        valid = [row for row in valid if not _proposed(session, negotiation, row.user_id, digest)]
    others = [row for row in valid if row.user_id != actor.user_id]
    if not others and valid:
        raise _four_eyes(N_("You approved this yourself, so another person takes the next step."))
    if not others:
        text = N_("Your organisation demands a person's approval before this step, and there is none.")
        raise refuse("APPROVAL_MISSING", text, passes=_passes(roles), value=digest, status=409)
    others[0].used_at = now
    session.add(others[0])


def _demanded(session: Session, org_id: str, what: What) -> frozenset[Role] | None:
    """The roles one of which the approver must have; None: no approval is demanded."""
    rule = rule_of(session, org_id)
    if rule is None:
        return None
    if what is What.SIGNATURE:
        return SIGNERS if rule.second_signer else None
    return frozenset({Role(rule.role)}) if rule.role else None


def _passes(roles: frozenset[Role]) -> str:
    return _BY_SIGNER if roles == SIGNERS else _BY[next(iter(roles))]


def _kind(what: str) -> What:
    if what not in set(What):
        raise refuse("APPROVAL_UNKNOWN", N_("Say what you approve."), field="what", value=what, passes=", ".join(What))
    return What(what)


def _ours(session: Session, actor: Actor, negotiation_id: str) -> tuple[Negotiation, Side]:
    negotiation = moves.lock(session, negotiation_id)
    side = negotiation.role_of(actor.org_id)
    if side is None:
        raise NotFound(negotiation_id)
    return negotiation, side


def _check_person(actor: Actor, kind: What) -> str:
    if actor.user_id is None:
        text = N_("An approval is a person's. A program that acts for the organisation cannot give it.")
        raise refuse("APPROVAL_NEEDS_PERSON", text, status=403)
    if actor.scopes is not None and _SCOPE[kind] not in actor.scopes:
        raise NotPermitted(Permission.SIGN if kind is What.SIGNATURE else Permission.NEGOTIATE)
    return actor.user_id


def _check_approver(session: Session, actor: Actor, kind: What) -> str:
    user_id = _check_person(actor, kind)
    roles = _demanded(session, actor.org_id, kind)
    if roles is None:
        text = N_("Your organisation demands no such approval. An owner can change that.")
        raise refuse("APPROVAL_NOT_DEMANDED", text, field="what", value=kind, status=409)
    if not actor.roles & roles:
        text = N_("Your role is not the one that approves this.")
        raise refuse("APPROVER_ROLE", text, passes=_passes(roles), status=403)
    return user_id


def _check_digest(session: Session, negotiation: Negotiation, side: Side, kind: What, seen: str) -> None:
    if kind is What.TERMS:
        moves.check_seen(session, negotiation, side, Act.ACCEPT if side is Side.CONSUMER else Act.AGREE, seen)
        return
    contract = _contract(session, negotiation)
    if contract is None or contract.sha256 != seen:
        text = N_("This is not the contract that was drawn up in this negotiation.")
        raise refuse("CONTRACT_OTHER", text, value=seen, passes=contract.sha256 if contract else None, status=409)


def _contract(session: Session, negotiation: Negotiation) -> Contract | None:
    drawn = select(Contract).where(Contract.negotiation_id == negotiation.id, col(Contract.ended_at).is_(None))
    return session.exec(drawn).first()  # one that was drawn up again has ended before


def _proposed(session: Session, negotiation: Negotiation, user_id: str, digest: str) -> bool:
    return any(
        move.act in PROPOSALS and move.terms_hash == digest and move.user_id == user_id
        for move in moves.moves_of(session, negotiation.id)
    )


def _standing(session: Session, negotiation: Negotiation, org_id: str, what: What, digest: str) -> list[Approval]:
    query = select(Approval).where(
        Approval.negotiation_id == negotiation.id,
        Approval.org_id == org_id,
        Approval.what == what,
        Approval.digest == digest,
        col(Approval.withdrawn_at).is_(None),
    )
    return list(session.exec(query.order_by(col(Approval.given_at), col(Approval.id))))


def _four_eyes(text: str) -> Refused:
    return refuse("FOUR_EYES", text, status=403, passes=N_("Another person of your organisation."))


def _record(
    session: Session, event: str, actor: Actor, negotiation: Negotiation, kind: What, digest: str, now: datetime
) -> str:
    """The other side is not among the subjects: how an organisation decides is its own affair."""
    on = [f"negotiation:{negotiation.id}", f"org:{actor.org_id}"]
    name = "contract" if kind is What.SIGNATURE else "terms"
    return audit.record(session, event, actor, on=on, now=now, hashes={name: digest}, details={"what": str(kind)})


def _moment(value: datetime) -> str:
    return f"{value.astimezone(VIETNAM):%H:%M %d/%m/%Y}"


# --- reading ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Panel:
    """One approval that the reader's organisation demands here, and how it stands."""

    what: What
    digest: str
    roles: tuple[Role, ...]  # one of which the approver has
    given: list[tuple[Approval, str]]  # with the name of whoever gave it
    may_approve: bool

    @property
    def there(self) -> bool:
        """Whether somebody has approved."""
        return bool(self.given)


def panels(session: Session, actor: Actor, negotiation: Negotiation) -> list[Panel]:
    """The approvals that the reader's own side demands for the terms on the table and the contract drawn up."""
    if negotiation.role_of(actor.org_id) is None:
        return []
    contract = _contract(session, negotiation)
    digests = {What.TERMS: negotiation.terms_hash} | ({What.SIGNATURE: contract.sha256} if contract else {})
    found = []
    for what, digest in digests.items():
        roles = _demanded(session, actor.org_id, what)
        if roles is not None:
            given = _standing(session, negotiation, actor.org_id, what, digest)
            named = [(row, session.get_one(User, row.user_id).full_name) for row in given]
            may = _may_approve(session, actor, negotiation, what, digest, roles, given)
            found.append(Panel(what, digest, tuple(sorted(roles)), named, may))
    return found


def _may_approve(
    session: Session,
    actor: Actor,
    negotiation: Negotiation,
    what: What,
    digest: str,
    roles: frozenset[Role],
    given: list[Approval],
) -> bool:
    if negotiation.state in FINAL or actor.user_id is None or not actor.roles & roles:
        return False
    if any(row.user_id == actor.user_id or row.used_at for row in given):
        return False
    return what is What.SIGNATURE or not _proposed(session, negotiation, actor.user_id, digest)
