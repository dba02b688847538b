"""The contract: drawn up from agreed terms, signed by both sides, in force once its record is in the tree, ended.

Whether it is in force at a moment, and what it then allows, is derived by standing.py.
"""

import os
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, select

from contracts import document, signature
from contracts.errors import ContractsError
from contracts.negotiation import Act, Role, State
from contracts.terms import Terms
from exchange import audit
from exchange.accounts import keys
from exchange.accounts.models import Organisation, SigningKey
from exchange.catalogue import service as catalogue
from exchange.catalogue.models import Asset, Listing
from exchange.db import new_id
from exchange.errors import N_, NotFound, Refusal, Refused, refuse
from exchange.ledger import service as ledger
from exchange.negotiations import approvals, moves, opening, rules, service, standing, successors
from exchange.negotiations.models import AgreeRule, Contract, ContractSignature, Negotiation
from exchange.negotiations.standing import Papers
from exchange.permissions import Actor, Permission, require


class EndCode(StrEnum):
    """Why a party ends a contract in force; ``END_CODES`` of the table has one more, set by the exchange."""

    FULFILLED = "fulfilled"
    AGREED = "agreed"
    BREACH = "breach"
    RIGHTS_LOST = "rights-lost"
    SECURITY = "security"
    OTHER = "other"


# --- drawing up ---------------------------------------------------------------------------------------------------


def agree(session: Session, actor: Actor | None, negotiation_id: str, seen: str, now: datetime) -> Contract:
    """The seller says yes (AGREE): the exchange draws up the document both will sign. Commit with commit_logged."""
    negotiation, actor, role = service.locked(session, actor, negotiation_id, now)
    state = moves.play_on(session, negotiation, role, Act.AGREE, seen)
    terms = moves.terms_on_table(session, negotiation)
    service.check_still_possible(session, negotiation, terms, now, trial=None)
    approvals.use(session, negotiation, actor, approvals.What.TERMS, terms.hash, now)
    return _agreed(session, negotiation, moves.Step(actor, role, Act.AGREE, terms), state, now)


def agree_by_rule(session: Session, negotiation: Negotiation, rule: AgreeRule, now: datetime) -> Contract:
    """The seller's standing yes to a request just made; its record tells which rule, set by whom. Commit as above."""
    state = moves.play_on(session, negotiation, Role.PROVIDER, Act.AGREE, negotiation.terms_hash)
    terms = moves.terms_on_table(session, negotiation)
    return _agreed(session, negotiation, moves.Step(None, Role.PROVIDER, Act.AGREE, terms, rule=rule), state, now)


def _agreed(session: Session, negotiation: Negotiation, step: moves.Step, state: State, now: datetime) -> Contract:
    row = draw_up(session, negotiation, step, now)
    moves.append(session, negotiation, step, state, row.agreed_event, now)
    return row


def draw_up(
    session: Session,
    negotiation: Negotiation,
    step: moves.Step,
    now: datetime,
    *,
    hashes: Mapping[str, str] | None = None,
) -> Contract:
    """The document on the step's terms, with the keys that are valid now, its record (with ``hashes`` of what else it
    shall commit to) and its row; the caller holds the negotiation and has checked whose turn it is."""
    terms = step.terms
    supersedes = successors.check(session, negotiation, terms, now)
    drawn = _document(session, step, negotiation, supersedes, now)
    event_id = audit.record(
        session,
        "contract.agreed",
        step.actor,
        on=[f"contract:{drawn.id}", *moves.subjects(negotiation)],
        now=now,
        hashes={"contract": drawn.hash, "terms": terms.hash, **(hashes or {})},
        details={"version": negotiation.version, "licence": terms.licence, **_by_rule(step.rule)},
    )
    row = Contract(
        id=drawn.id, negotiation_id=negotiation.id, listing_id=negotiation.listing_id, version=negotiation.version,
        buyer_org_id=negotiation.buyer_org_id, provider_org_id=negotiation.provider_org_id, payload=drawn.payload,
        sha256=drawn.hash, starts=terms.starts, ends=terms.ends, price_vnd=terms.price_vnd, agreed_at=now,
        agreed_event=event_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def _by_rule(rule: AgreeRule | None) -> dict[str, str]:
    return {"rule": rule.event_id, "rule_of": f"org:{rule.org_id}"} if rule else {}


def _document(
    session: Session, step: moves.Step, negotiation: Negotiation, supersedes: str | None, now: datetime
) -> document.Contract:
    terms = step.terms
    listing = session.get_one(Listing, negotiation.listing_id)
    version = catalogue.the_version(session, listing.id, negotiation.version)
    replaces = rules.amended_by(session, negotiation.id)
    action = rules.TrialAction(
        "agree", step.actor, negotiation.buyer_org_id, listing, version, terms, negotiation.id, replaces
    )
    denials = rules.trial_denials(session, action, now)
    if denials:
        raise Refused(*denials, status=409)
    parties = [
        party_now(session, "provider", negotiation.provider_org_id),
        party_now(session, "consumer", negotiation.buyer_org_id),
    ]
    without = [party.name for party in parties if not party.keys]
    if without:
        raise Refused(*(_keyless(name) for name in without), status=409)
    try:
        return document.build(
            id=new_id(),
            created=now,
            nonce=os.urandom(16),
            parties=parties,
            assets=[_asset(session.get_one(Asset, version.asset_id), listing.id, version.number)],
            terms=terms,
            trial=rules.trial_reference(session, action, now),
            log=_log_head(session),
            supersedes=supersedes,
        )
    except ContractsError as error:
        raise rules.say_error(error, status=409) from None


def party_now(session: Session, role: str, org_id: str) -> document.Party:
    """The party as a contract drawn up now would name it, with the keys that may sign."""
    org = session.get_one(Organisation, org_id)
    thumbprints = sorted(key.thumbprint for key in keys.keys_of(session, org_id, active=True))
    return document.Party(role, org.id, org.name, org.tax_code, tuple(thumbprints))


def _keyless(name: str) -> Refusal:
    return Refusal(
        "PARTY_WITHOUT_KEY",
        N_("%(name)s has no valid signing key, and a contract names the keys that may sign it."),
        value=name,
        passes=N_("A person of that organisation registers a key on the page “Signing keys”, then agree again."),
        facts={"name": name},
    )


def _asset(asset: Asset, listing_id: str, version: int) -> document.AssetRef:
    return document.AssetRef(listing_id, version, asset.digest, asset.schema_digest, asset.file_name, asset.rows)


def _log_head(session: Session) -> document.LogHead | None:
    newest = ledger.head(session)
    if newest is None:
        return None
    origin: str = session.info["log_origin"]
    return document.LogHead(origin, newest.size, b64encode(newest.root).decode("ascii"))


# --- signing ------------------------------------------------------------------------------------------------------


def sign(session: Session, actor: Actor | None, contract_id: str, handed: object, now: datetime) -> ContractSignature:
    """Take one party's signature of any form (opening.py). Refused, it leaves no trace.

    With the last one that is needed the contract becomes active in the same transaction. Commit with commit_logged.
    """
    actor = require(actor, Permission.SIGN)
    row = session.get(Contract, contract_id)
    if row is None:
        raise NotFound(contract_id)
    negotiation = moves.lock(session, row.negotiation_id)
    session.refresh(row)
    if row.ended_at is not None:
        text = N_("This document was given up or drawn up again with other keys. It can no longer be signed.")
        raise refuse("NOT_SIGNABLE", text, value=row.id, status=409)
    papers = standing.papers_of(session, row, actor)
    try:
        opened = opening.open_signature(session, papers, actor.org_id, handed, now)
    except ContractsError as error:
        raise rules.say_error(error, status=_STATUS.get(error.code, 422)) from None
    key = _valid_key(session, actor, opened.signer.kid)
    _check_signable(session, negotiation, papers.document.terms, now)
    approvals.use(session, negotiation, actor, approvals.What.TERMS, negotiation.terms_hash, now)
    approvals.use(session, negotiation, actor, approvals.What.SIGNATURE, row.sha256, now)
    stored = _store(session, actor, papers, opened, key, now)
    _advance(session, negotiation, papers, actor, stored, now)
    return stored


_STATUS = {"SIGNER_NOT_PARTY": 403, "SIGNATURE_REPEATED": 409}


def _valid_key(session: Session, actor: Actor, kid: str) -> SigningKey:
    key = session.exec(select(SigningKey).where(SigningKey.thumbprint == kid).with_for_update()).first()
    if key is None or key.org_id != actor.org_id:
        raise rules.say_error(signature.SignatureError("KEY_UNKNOWN", kid=kid, org=actor.org_id))
    if key.revoked_at is not None:
        raise refuse(
            "KEY_REVOKED",
            N_("This key was revoked after the contract was drawn up, so it signs nothing any more."),
            value=kid,
            passes=N_("Another key that the contract names, or the contract drawn up again with a new key."),
        )
    return key


def _check_signable(session: Session, negotiation: Negotiation, terms: Terms, now: datetime) -> None:
    if negotiation.state not in (State.AGREED, State.VERIFIED):
        text = N_("This negotiation has ended; its contract can no longer be signed.")
        raise refuse("NOT_SIGNABLE", text, value=negotiation.state, status=409)
    rules.check_open(negotiation, now)
    service.check_still_possible(session, negotiation, terms, now, trial="sign")
    successors.check(session, negotiation, terms, now)


def _store(
    session: Session, actor: Actor, papers: Papers, opened: opening.Opened, key: SigningKey, now: datetime
) -> ContractSignature:
    signer, grade = opened.signer, opened.grade or key.grade
    event_id = audit.record(
        session,
        "contract.signed",
        actor,
        on=[*standing.subjects(papers.row), f"key:{signer.kid}"],
        now=now,
        hashes={"contract": papers.row.sha256, **opened.hashes},
        details={"alg": signer.alg, "grade": grade, "form": opened.form},
    )
    stored = ContractSignature(
        contract_id=papers.row.id, org_id=actor.org_id, user_id=actor.user_id, thumbprint=signer.kid, alg=signer.alg,
        grade=grade, form=opened.form, claimed_at=signer.iat, signed_at=now, event_id=event_id, **opened.columns,
    )  # fmt: skip
    session.add(stored)
    session.flush()
    return stored


def _advance(
    session: Session, negotiation: Negotiation, papers: Papers, actor: Actor, stored: ContractSignature, now: datetime
) -> None:
    """The buyer's signature is the protocol's VERIFY; once nobody's is missing the exchange makes FINALIZE."""
    terms, row = papers.document.terms, papers.row
    if papers.role is Role.CONSUMER:
        state = moves.play_on(session, negotiation, Role.CONSUMER, Act.VERIFY, negotiation.terms_hash)
        step = moves.Step(actor, Role.CONSUMER, Act.VERIFY, terms)
        moves.append(session, negotiation, step, state, stored.event_id, now)
    if set(papers.unsigned) - {actor.org_id}:
        return
    state = moves.play_on(session, negotiation, Role.PROVIDER, Act.FINALIZE, negotiation.terms_hash)
    successors.replace_old(session, row, now)
    supersedes = papers.document.supersedes
    hashes = {"contract": row.sha256} | ({"supersedes": supersedes} if supersedes else {})
    event_id = audit.record(session, "contract.active", None, on=standing.subjects(row), now=now, hashes=hashes)
    row.active_event, row.active_at = event_id, now
    session.add(row)
    step = moves.Step(None, Role.PROVIDER, Act.FINALIZE, terms)
    moves.append(session, negotiation, step, state, event_id, now)


# --- ending -------------------------------------------------------------------------------------------------------


def end_contract(
    session: Session, actor: Actor | None, contract_id: str, code: str, reason: str, now: datetime
) -> Contract:
    """A party ends a contract before its term is over; from the commit on nothing is handed out. Use commit_logged."""
    row, actor, _role = standing.locked(session, actor, contract_id, Permission.SIGN)
    if code not in set(EndCode):
        text = N_("Choose why the contract ends.")
        raise refuse("END_CODE_UNKNOWN", text, field="code", value=code, passes=", ".join(EndCode))
    words = rules.check_reason(reason)
    standing.check_running(row, now)
    event_id = audit.record(
        session,
        "contract.ended",
        actor,
        on=standing.subjects(row),
        now=now,
        hashes={"contract": row.sha256},
        details={"reason": code},
        private={f"org:{actor.org_id}": {"reason": words}},
    )
    row.ended_at, row.end_code, row.end_reason, row.ended_by = now, code, words, actor.org_id
    row.end_event = event_id
    session.add(row)
    session.flush()
    return row
