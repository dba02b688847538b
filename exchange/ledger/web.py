"""The log for strangers: C2SP tlog-tiles and tlog-checkpoint, proofs, keys. All public except the entries."""

import base64
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Blueprint, Response, current_app, jsonify, request, url_for
from sqlalchemy.exc import IntegrityError

from contracts import bundle
from contracts.errors import TreeError
from contracts.log import tiles
from contracts.log.checkpoint import parse_checkpoint, parse_note, parse_vkey
from contracts.log.policy import format_policy
from contracts.log.proof import Proof, format_proof
from contracts.log.receipt import MEDIA_TYPE
from exchange import clock, identity, looks
from exchange.errors import N_, NotFound, refuse
from exchange.ledger import receipts, service, timestamps
from exchange.ledger.tiles import DatabaseTiles
from exchange.ledger.witnesses import Witnesses
from exchange.permissions import Permission, needs, public

blueprint = Blueprint("ledger", __name__, url_prefix="/log")
FOREVER = "public, max-age=31536000, immutable"  # a tile's address names its exact content


@blueprint.get("/checkpoint")
@public
def checkpoint() -> Response:
    """The newest signed head (C2SP tlog-checkpoint) with its cosignatures; with a quorum, the newest that has it."""
    newest = _witnesses().published.head(identity.db_session())
    if newest is None:
        raise NotFound("checkpoint")
    return _text(newest.note, "public, max-age=1")


@blueprint.get("/<path:path>")
@public
def tile(path: str) -> Response:
    """A hash tile, full or partial (C2SP tlog-tiles)."""
    return _tile(path, entries=False)


@blueprint.get("/tile/entries/<path:path>")
@needs(Permission.AUDIT)
def entries(path: str) -> Response:
    """A bundle of entries; they name who dealt with whom, so only a regulator reads them, under a warrant."""
    session = identity.writing_session()
    answer = _tile(f"tile/entries/{path}", entries=True)
    looks.record(session, identity.the_actor(), "entries", [f"tile:entries/{path}"], clock.now())
    session.commit()
    return answer


@blueprint.get("/proof")
@public
def proof() -> Response:
    """``?event=<id>``: that the event is in the tree, as C2SP tlog-proof text, or as JSON for who accepts only that:
    under the newest head that is published; ``&size=``: under that one. A proof tells nothing but hashes."""
    event, size = request.args.get("event", "")[:64], _whole("size") if "size" in request.args else None
    found = _published_proof(event) if size is None else service.proof_of(identity.db_session(), event, size)
    # not for ever, even under an older head: witnesses may still add their lines to it
    headers = {"Cache-Control": f"public, max-age={1 if size is None else 60}", "Vary": "Accept"}
    if request.accept_mimetypes.best_match(["text/plain", "application/json"]) == "application/json":
        hashes = [base64.b64encode(item).decode() for item in found.hashes]
        head = parse_checkpoint(parse_note(found.checkpoint).text)
        body = {"index": found.index, "size": head.size, "hashes": hashes, "checkpoint": found.checkpoint}
        response = jsonify(body)
    else:
        response = Response(format_proof(found), content_type="text/plain; charset=utf-8")
    response.headers.update(headers)
    return response


def _published_proof(event: str) -> Proof:
    """With the cosignatures that the policy asks for; a record newer than that head is proved under the newest one."""
    session = identity.db_session()
    shown, index = _witnesses().published.head(session), service.index_of(session, event)
    if shown is None or index is None or index >= shown.size:
        return service.proof_of(session, event)
    return service.prove(session, index, shown)


@blueprint.get("/consistency")
@public
def consistency() -> Response:
    """``?from=&to=``: that the older tree begins the newer one; one base64 hash a line."""
    old, new = _whole("from"), _whole("to")
    hashes = service.prove_consistency(identity.db_session(), old, new)
    return _text("".join(base64.b64encode(h).decode() + "\n" for h in hashes), FOREVER)


@blueprint.get("/keys")
@public
def keys() -> Response:
    """The log's policy (C2SP tlog-policy): the keys that a verifier pins, the witnesses and how many it shall ask."""
    vkeys = service.vkeys(identity.db_session())
    if not vkeys:
        raise NotFound("log")
    return _text(format_policy(map(parse_vkey, vkeys), _witnesses().policy), "public, max-age=60")


def _witnesses() -> Witnesses:
    witnesses: Witnesses = current_app.extensions["minhbach.witnesses"]
    return witnesses


@blueprint.get("/keys.json")
@public
def key_history() -> Response:
    """Every key the log has signed with: ``since`` and ``until`` are the sizes of its first and last head."""
    history = [{"vkey": k.vkey, "since": k.since, "until": k.until} for k in service.keys(identity.db_session())]
    response = jsonify(history)
    response.headers["Cache-Control"] = "public, max-age=60"
    return response


@blueprint.get("/receipt")
@public
def receipt() -> Response:
    """``?event=<id>``: the same as a COSE receipt (RFC 9942), for tools that speak COSE."""
    event = request.args.get("event", "")[:64]
    data = receipts.receipt_of(identity.db_session(), event, _receipt_key())
    headers = {"Cache-Control": "public, max-age=1", "Content-Disposition": 'attachment; filename="receipt.cose"'}
    return Response(data, content_type=MEDIA_TYPE, headers=headers)


@blueprint.get("/keys/cose.pem")
@public
def receipt_key() -> Response:
    """The public key of all receipts."""
    pem = receipts.pem_of(_receipt_key())
    return Response(pem, mimetype="application/x-pem-file", headers={"Cache-Control": "public, max-age=60"})


@blueprint.get("/keys/cose.json")
@public
def receipt_keys() -> Response:
    """Every key that receipts have been signed with, the first one first: the digest of its public half (DER), and the
    record that holds it."""
    records = service.story(identity.db_session(), [receipts.SUBJECT])
    found = [{"key": record.leaf.h["key"], "event": record.id, "index": record.index} for record in records]
    response = jsonify(found)
    response.headers["Cache-Control"] = "public, max-age=60"
    return response


def _receipt_key() -> Ed25519PrivateKey:
    """On record before anybody sees what it has signed."""
    key = receipts.key_of(_home())
    if not receipts.is_recorded(identity.db_session(), key):
        session = identity.writing_session()
        try:
            receipts.record(session, key, clock.now())
            session.commit()
        except IntegrityError:  # another process has just recorded it
            session.rollback()
    return key


@blueprint.get("/timestamps")
@public
def stamp_list() -> Response:
    """The heads that an outside authority has stamped, newest first; ``time`` is what it states. A thousand at a time,
    ``?before=<size>`` for older ones."""
    before = _whole("before") if "before" in request.args else None
    found = [
        {
            "size": stamp.size,
            "kind": stamp.kind,
            "period": stamp.period,
            "time": stamp.time.isoformat(),
            "token": url_for(".token", size=stamp.size),
            "text": url_for(".stamped_text", size=stamp.size),
        }
        for stamp in service.stamps(identity.db_session(), before=before)
    ]
    response = jsonify(found)
    response.headers["Cache-Control"] = "public, max-age=60"
    return response


@blueprint.get("/timestamps/<int(max=9223372036854775807):size>.tsr")
@public
def token(size: int) -> Response:
    """The RFC 3161 token over the head of so many records, as it was received."""
    data = service.token(identity.db_session(), size)
    return Response(data, mimetype="application/timestamp-reply", headers={"Cache-Control": FOREVER})


@blueprint.get("/timestamps/<int(max=9223372036854775807):size>.txt")
@public
def stamped_text(size: int) -> Response:
    """The exact bytes under that token: the head's text without its signatures."""
    session = identity.db_session()
    service.token(session, size)  # only what is stamped stands here
    return _text(timestamps.text_of(service.note_of(session, size)).decode(), FOREVER)


def _home() -> Path:
    home: Path = current_app.extensions["minhbach.config"].home
    return home


@blueprint.get("/verify.py")
@public
def verifier() -> Response:
    """The evidence checker in one file, as it lies in every bundle: get it here, or better from elsewhere."""
    return _text(bundle.verifier().decode("utf-8"), "public, max-age=60")


def _head() -> service.Head:
    newest = service.head(identity.db_session())
    if newest is None:
        raise NotFound("checkpoint")
    return newest


def _tile(path: str, *, entries: bool) -> Response:
    try:
        wanted = tiles.parse_path(path)
    except TreeError:
        raise NotFound(path) from None
    size = _head().size >> max(0, wanted.level) * tiles.HEIGHT
    if (wanted.level == tiles.ENTRIES) != entries or wanted.index * tiles.WIDTH + wanted.width > size:
        raise NotFound(path)
    data = DatabaseTiles(identity.db_session(), _head().size).fetch(wanted)
    cache = FOREVER if not entries else "private, no-store"  # a copy must not outlive the warrant
    return Response(data, mimetype="application/octet-stream", headers={"Cache-Control": cache})


def _text(body: str, cache: str) -> Response:
    return Response(body, content_type="text/plain; charset=utf-8", headers={"Cache-Control": cache})


def _whole(name: str) -> int:
    text = request.args.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise refuse("SIZE_INVALID", N_("Tree sizes are whole numbers."), field=name, value=text)
    return int(text)
