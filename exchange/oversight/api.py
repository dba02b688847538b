"""JSON for the regulator's programs (scope ``audit``), and the evidence bundle for the parties' ones."""

import base64
from typing import Any

from flask import Response, current_app
from sqlmodel import Session

from contracts.log import tree
from contracts.log.policy import Policy
from exchange import clock, identity
from exchange.bodies import Blueprint
from exchange.ledger.cosigned import sightings
from exchange.ledger.tiles import DatabaseTiles
from exchange.limits import EXPORTS, FETCHES, by_organisation, limiter
from exchange.oversight import formats, own, schemas, service, warrants
from exchange.oversight.models import Warrant
from exchange.oversight.web import evidence_answer, whole_log_answer
from exchange.permissions import Permission, needs
from exchange.rooms.leaks_api import readings_json

blueprint = Blueprint("oversight_api", __name__, url_prefix="/api/v1", description="Supervision, and evidence")


@blueprint.post("/oversight/warrants")
@needs(Permission.AUDIT)
@blueprint.arguments(schemas.WarrantForm)
@blueprint.response(201, schemas.WarrantView)
def open_warrant(body: dict[str, Any]) -> Warrant:
    """Register the decision that orders an inspection"""
    mandate = warrants.Mandate(**body)
    warrant = warrants.open_warrant(identity.db_session(), identity.the_actor(), mandate, clock.now())
    identity.db_session().commit()
    return warrant


@blueprint.get("/oversight/log")
@needs(Permission.AUDIT)
@blueprint.arguments(schemas.SearchForm, location="query")
def log(query: dict[str, Any]) -> dict[str, Any]:
    """Records of the log, newest first, each with its inclusion proof under the head that is given beside them"""
    session = identity.writing_session()
    found = service.search(session, identity.the_actor(), service.Question(**query), clock.now())
    answer = _proved(session, found)
    answer["organisations"] = [{"id": org.id, "name": org.name, "tax_code": org.tax_code} for org in found.matches]
    answer["before"] = found.more
    seen = sightings(session, _policy(), clock.now())
    answer["witnesses"] = [
        {"name": one.name, "size": one.size, "seen": one.seen and one.seen.isoformat(), "state": one.state}
        for one in seen
    ]
    session.commit()
    return answer


@blueprint.get("/records")
@needs(Permission.SIGNED_IN)
@blueprint.arguments(schemas.OwnSearchForm, location="query")
def own_records(query: dict[str, Any]) -> dict[str, Any]:
    """One's own organisation's records, newest first, each with its inclusion proof under the head beside them"""
    session = identity.db_session()
    found = own.records(session, identity.the_actor(), own.Question(**query), clock.now())
    return _proved(session, found) | {"before": found.more}


@blueprint.get("/oversight/contracts/<contract_id>")
@needs(Permission.AUDIT)
def contract(contract_id: str) -> dict[str, Any]:
    """One contract's whole story, and the result of checking it"""
    session = identity.writing_session()
    story = service.story(session, identity.the_actor(), contract_id, _policy(), clock.now())
    session.commit()
    row = story.papers.row
    return {
        "id": row.id,
        "sha256": row.sha256,
        "standing": story.standing,
        "listing_id": row.listing_id,
        "version": row.version,
        "provider": {"id": row.provider_org_id, "name": story.names.get(row.provider_org_id)},
        "buyer": {"id": row.buyer_org_id, "name": story.names.get(row.buyer_org_id)},
        "terms": story.papers.document.terms.to_json(),
        "signatures": [
            {"org_id": s.org_id, "kid": s.thumbprint, "alg": s.alg, "grade": s.grade, "event_id": s.event_id,
             "index": story.index.get(s.event_id)}
            for s in story.papers.signatures
        ],
        "deliveries": [
            {"at": d.at.isoformat(), "org_id": d.org_id, "status": d.status, "code": d.code, "first_byte": d.first_byte,
             "end_byte": d.end_byte, "bytes_sent": d.bytes_sent, "complete": d.complete, "event_id": d.event_id}
            for d in story.deliveries
        ],
        "records": [formats.record_json(record, story.names, story.private) for record in story.records],
        "verification": {
            "ok": story.report.ok,
            "size": story.head.size,
            "lines": [{"check": line.what, "ok": line.ok, "vi": line.say("vi"), "en": line.say("en")}
                      for line in story.report.lines],
        },
    }  # fmt: skip


@blueprint.get("/oversight/leaks")
@needs(Permission.AUDIT)
def leaks() -> dict[str, Any]:
    """What each buyer has taken of each dataset in test rooms, those that need a look first"""
    session = identity.writing_session()
    found = service.accounts(session, identity.the_actor(), clock.now())
    session.commit()
    return {"accounts": readings_json(found)}


@blueprint.get("/oversight/contracts/<contract_id>/evidence")
@needs(Permission.AUDIT)
@limiter.limit(FETCHES, key_func=by_organisation)
def evidence_of(contract_id: str) -> Response:
    """The evidence bundle (zip): ``python -m contracts verify`` checks it anywhere"""
    return evidence_answer(contract_id)


@blueprint.get("/oversight/log/evidence")
@needs(Permission.AUDIT)
@limiter.limit(EXPORTS, key_func=by_organisation)
def whole_log() -> Response:
    """The evidence bundle of the whole log (zip), under a warrant"""
    return whole_log_answer()


@blueprint.get("/contracts/<contract_id>/evidence")
@needs(Permission.SIGNED_IN)
@limiter.limit(FETCHES, key_func=by_organisation)
def own_evidence(contract_id: str) -> Response:
    """The evidence bundle of one's own contract"""
    return evidence_answer(contract_id)


def _proved(session: Session, found: service.Found | own.Own) -> dict[str, Any]:
    """The records as plain data, each with its path to the head; one newer than the head has none yet."""
    head = found.head
    shown = [formats.record_json(record, found.names, found.private) for record in found.records]
    if head is not None:
        reader = DatabaseTiles(session, head.size).reader
        for record in shown:
            if record["index"] < head.size:
                hashes = tree.prove_inclusion(reader, record["index"], head.size)
                record["proof"] = [base64.b64encode(item).decode("ascii") for item in hashes]
    return {"head": None if head is None else {"size": head.size, "checkpoint": head.note}, "records": shown}


def _policy() -> Policy:
    policy: Policy = current_app.extensions["minhbach.witnesses"].policy
    return policy
