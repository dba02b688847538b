"""JSON: who the token speaks for, and signing keys for programs that keep them in files."""

from typing import Any

from flask import current_app, request

from exchange import clock, identity
from exchange.accounts import key_rotation, keys, schemas
from exchange.accounts.models import SigningKey
from exchange.bodies import Blueprint
from exchange.permissions import Permission, needs

blueprint = Blueprint(
    "accounts_api", __name__, url_prefix="/api/v1", description="The account behind a token and its keys"
)


@blueprint.get("/me")
@needs(Permission.SIGNED_IN)
@blueprint.response(200, schemas.MeView)
def me() -> dict[str, Any]:
    """Who this token speaks for, and what it may do"""
    actor = identity.the_actor()
    return {
        "user_id": actor.user_id,
        "client_id": actor.client_id,
        "org_id": actor.org_id,
        "kind": actor.kind,
        "roles": sorted(actor.roles),
        "scopes": None if actor.scopes is None else sorted(actor.scopes),
        "permissions": sorted(actor.permissions),
    }


@blueprint.get("/keys")
@needs(Permission.SIGNED_IN)
@blueprint.response(200, schemas.KeyView(many=True))
def listing() -> list[SigningKey]:
    """The signing keys of one's organisation"""
    return keys.keys_of(identity.db_session(), identity.the_actor().org_id)


@blueprint.post("/keys/challenge")
@needs(Permission.MANAGE_KEYS)
@blueprint.response(200, schemas.ChallengeView)
def challenge() -> dict[str, str]:
    """What a new key must sign: the payload of a compact JWS with header {"alg", "jwk", "typ": "minhbach-key+jws"}"""
    return {"challenge": keys.make_challenge(_secret(), identity.the_actor(), _credential(), clock.now())}


@blueprint.post("/keys")
@needs(Permission.MANAGE_KEYS)
@blueprint.arguments(schemas.KeyJson)
@blueprint.response(201, schemas.KeyView)
def add(body: dict[str, Any]) -> SigningKey:
    """Register the public key that made the proof"""
    key = keys.add_key(
        identity.db_session(), identity.the_actor(), **body, secret=_secret(), credential=_credential(), now=clock.now()
    )
    identity.commit_logged()
    return key


@blueprint.post("/keys/<key_id>/rotate")
@needs(Permission.MANAGE_KEYS)
@blueprint.arguments(schemas.RotationJson)
@blueprint.response(201, schemas.KeyView)
def rotate(body: dict[str, Any], key_id: str) -> SigningKey:
    """Register a new key in place of an old one, which signs the new one's proof and ends"""
    key = key_rotation.rotate_key(
        identity.db_session(), identity.the_actor(), key_id, **body, secret=_secret(), credential=_credential(),
        now=clock.now(),
    )  # fmt: skip
    identity.commit_logged()
    return key


@blueprint.post("/keys/<key_id>/revoke")
@needs(Permission.MANAGE_KEYS)
@blueprint.arguments(schemas.RevocationJson, required=False)
@blueprint.response(200, schemas.KeyView)
def revoke(body: dict[str, Any], key_id: str) -> SigningKey:
    """From now on the key signs nothing; reason: unused, lost, stolen or left"""
    key = keys.revoke_key(identity.db_session(), identity.the_actor(), key_id, clock.now(), **body)
    identity.commit_logged()
    return key


def _secret() -> str:
    return str(current_app.config["SECRET_KEY"])


def _credential() -> str:
    return request.headers.get("Authorization", "")
