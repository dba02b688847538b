"""JSON: the roots and revocation lists that certificates are judged by; a certificate as signing key."""

from typing import Any

from flask import Response, current_app, request

from exchange import clock, identity
from exchange.accounts import certificates, schemas, trust
from exchange.accounts.models import SigningKey
from exchange.bodies import Blueprint
from exchange.permissions import Permission, needs

blueprint = Blueprint(
    "trust_api", __name__, url_prefix="/api/v1", description="Certificates and the roots they lead to"
)


@blueprint.get("/trust")
@needs(Permission.SIGNED_IN)
@blueprint.response(200, schemas.TrustView)
def show() -> dict[str, Any]:
    """The roots in force, the newest revocation list of each authority, and every list of roots so far"""
    session = identity.db_session()
    return {
        "digest": trust.in_force(session).digest,
        "roots": trust.roots(session),
        "crls": trust.crls(session),
        "history": trust.history(session),
    }


@blueprint.get("/trust/list")
@needs(Permission.SIGNED_IN)
def document() -> Response:
    """The list of roots in force, certificates included: the bytes whose digest the log names"""
    return Response(trust.document(identity.db_session()), mimetype="application/json")


@blueprint.post("/keys/certificate")
@needs(Permission.MANAGE_KEYS)
@blueprint.arguments(schemas.CertificateJson)
@blueprint.response(201, schemas.KeyView)
def add(body: dict[str, Any]) -> SigningKey:
    """Register the certificate that made the proof: a compact JWS of the challenge, header {"alg", "typ", "x5c"}"""
    secret, credential = str(current_app.config["SECRET_KEY"]), request.headers.get("Authorization", "")
    key = certificates.add_certificate(
        identity.db_session(), identity.the_actor(), **body, secret=secret, credential=credential, now=clock.now()
    )
    identity.commit_logged()
    return key


@blueprint.post("/keys/<key_id>/confirm")
@needs(Permission.MODERATE)
@blueprint.response(200, schemas.KeyView)
def confirm(key_id: str) -> SigningKey:
    """Say, as the operator, that the certificate is that organisation's"""
    key = certificates.confirm(identity.db_session(), identity.the_actor(), key_id, clock.now())
    identity.commit_logged()
    return key
