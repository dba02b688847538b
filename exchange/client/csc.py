"""A key at a remote signing service, by the API of the Cloud Signature Consortium, version 2 (2.0.0.2).

An adapter: loaded only when ``--remote`` is given. The service holds key and certificates; it gets a digest and returns
a signature, never the contract. One signature takes these calls, all POST with JSON below the base ``…/csc/v2``:

    info (11.1)  oauth2/token, scope "service"  credentials/list (11.4)  credentials/info (11.5)
    credentials/authorize (11.6) with PIN or one-time password, for exactly this digest  signatures/signHash (11.10)

The signature activation data (SAD) that `authorize` returns is used once, at once, and kept nowhere. What the service
says is a stranger's word: answers are small, in time, over HTTPS, and the signature is checked before it is used.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from contracts import certificates
from contracts.errors import ContractsError
from exchange.client.connection import checked_address
from exchange.client.files import Credentials
from exchange.client.places import Holder
from exchange.client.plain import Answer, Plain
from exchange.client.words import ClientError

SECONDS = 30.0  # for one answer; a person with a one-time password is waited for at the terminal, not here
LIMIT = 256 * 1024  # bytes of one answer; a chain of certificates takes 10,000
SHA256 = "2.16.840.1.101.3.4.2.1"
# What a credential's key may say it signs with (key.algo), by our name for it; the first that fits is asked for.
ALGORITHMS = {
    "1.2.840.113549.1.1.11": "RS256",  # sha256WithRSAEncryption
    "1.2.840.113549.1.1.1": "RS256",  # rsaEncryption, with the digest's OID beside it
    "1.2.840.10045.4.3.2": "ES256",  # ecdsa-with-SHA256
}
# The service's error codes (section 10.1 and those of the calls) that a person can do something about.
_TOLD = {
    "invalid_pin": "REMOTE_PIN",
    "invalid_otp": "REMOTE_OTP",
    "expired_otp": "REMOTE_OTP",
    "invalid_sad": "REMOTE_SAD",
    "expired_sad": "REMOTE_SAD",
    "invalid_token": "REMOTE_TOKEN",
    "access_denied": "REMOTE_TOKEN",
    "invalid_client": "REMOTE_TOKEN",
}
Ask = Callable[[str, str], str]  # (PIN | OTP, what it is for) -> what the person typed


def opened(address: str, credential: str | None, program: Credentials, lang: str, ask: Ask) -> Holder:
    """The credential of this name at the service, ready to sign; the only one there when no name is given."""
    service = _Service(address, lang)
    service.sign_in(program)
    chosen = credential or service.only_credential()
    return _holder(service, chosen, service.info_of(chosen), ask)


class _Service:
    """One signing service and our token for it."""

    def __init__(self, address: str, lang: str) -> None:
        self.base, self.lang = checked_address(address), lang
        self._token = ""
        about = self.call("info", {"lang": lang})
        if not str(about.get("specs", "")).startswith("2."):
            raise ClientError("REMOTE_VERSION", server=self.base, value=str(about.get("specs"))[:20])
        self.oauth = checked_address(str(about.get("oauth2") or self.base))

    def sign_in(self, program: Credentials) -> None:
        """A token with scope "service" (section 8.3): of a person who consents in a browser, or of the program."""
        if program.flow == "person":
            self._token = self.token(program, self.consent(program, {"scope": "service"}))
        else:
            self._token = self.token(program, {"grant_type": "client_credentials", "scope": "service"})

    def consent(self, program: Credentials, query: Mapping[str, str]) -> dict[str, str]:
        """A person says yes in a browser: authorisation code with PKCE (section 8.3.2)."""
        from exchange.client.login import ask_person

        more = dict(query)
        scope = more.pop("scope")
        return ask_person(self.oauth, program, scope, self.lang, path="/oauth2/authorize", more=more)

    def token(self, program: Credentials, parameters: Mapping[str, str]) -> str:
        """From the token endpoint (section 8.3.3)."""
        pair, fields = "", {**parameters, "client_id": program.client_id}
        if program.client_secret:
            text = f"{quote(program.client_id, safe='')}:{quote(program.client_secret, safe='')}"
            pair = "Basic " + base64.b64encode(text.encode()).decode()
        asked = Plain(self.oauth, seconds=SECONDS, authorization=pair)
        form = "application/x-www-form-urlencoded"
        answer = asked.ask("/oauth2/token", LIMIT, urlencode(fields).encode(), kind=form)
        found = self._read("oauth2/token", answer).get("access_token")
        if not isinstance(found, str) or not found:
            raise ClientError("REMOTE_STRANGE", server=self.oauth, call="oauth2/token", field="access_token")
        return found

    def call(self, path: str, body: Mapping[str, Any], token: str = "") -> dict[str, Any]:
        """One call of the API; raises ClientError in words when the service refuses."""
        asked = Plain(self.base, token or self._token, SECONDS)
        return self._read(path, asked.ask(f"/{path}", LIMIT, json.dumps(body).encode(), kind="application/json"))

    def only_credential(self) -> str:
        """The one that this account has; with several the person must name one."""
        found = self.call("credentials/list", {"onlyValid": True, "lang": self.lang}).get("credentialIDs")
        names = [str(name)[:100] for name in found] if isinstance(found, list) else []
        if len(names) != 1:
            raise ClientError("REMOTE_CHOOSE", server=self.base, passes=", ".join(names[:20]) or "—")
        return names[0]

    def info_of(self, credential: str) -> dict[str, Any]:
        """Key, certificates and way of authorisation of a credential that can sign now."""
        asked = {"credentialID": credential, "certificates": "chain", "authInfo": True, "lang": self.lang}
        found = self.call("credentials/info", asked)
        for part, good in (("key", "enabled"), ("cert", "valid")):
            status = _object(found.get(part)).get("status", good)
            if status != good:
                raise ClientError("REMOTE_CREDENTIAL", credential=credential, part=part, value=str(status)[:40])
        return found

    def _read(self, call: str, answer: Answer) -> dict[str, Any]:
        try:
            found = json.loads(answer.body or b"null")
        except (ValueError, RecursionError):
            found = None
        if answer.status == 429 or answer.status == 503:
            raise ClientError("REMOTE_BUSY", server=self.base, status=answer.status)
        if not isinstance(found, dict):
            raise ClientError("REMOTE_STRANGE", server=self.base, call=call, field=answer.status)
        if answer.status == 200:
            return found
        code = str(found.get("error") or found.get("errorCode") or answer.status)[:60]
        said = str(found.get("error_description") or found.get("errorDescription") or "")[:200]
        raise ClientError(_TOLD.get(code, "REMOTE_REFUSED"), server=self.base, call=call, error=code, reason=said)


def _holder(service: _Service, credential: str, info: Mapping[str, Any], ask: Ask) -> Holder:
    chain = _chain(service, _object(info.get("cert")).get("certificates"))
    try:
        jwk = certificates.public_jwk(chain[0])
    except ContractsError as error:
        raise ClientError("REMOTE_CREDENTIAL", credential=credential, part="cert", value=error.code) from None
    offered = _object(info.get("key")).get("algo")
    oids = [str(oid) for oid in offered] if isinstance(offered, list) else []
    wanted = {"RSA": "RS256", "EC": "ES256"}.get(jwk["kty"])
    chosen = next((oid for oid in oids if wanted and ALGORITHMS.get(oid) == wanted), None)
    if wanted is None or chosen is None:
        passes = ", ".join(ALGORITHMS)
        raise ClientError("REMOTE_ALGORITHM", credential=credential, value=", ".join(oids)[:200], passes=passes)

    def make(message: bytes) -> bytes:
        digest = base64.b64encode(hashlib.sha256(message).digest()).decode()
        sad = _authorize(service, credential, _object(info.get("auth")), digest, ask)
        return _sign_hash(service, credential, sad, digest, (chosen, wanted))

    return Holder(jwk, wanted, make, chain)


def _authorize(service: _Service, credential: str, auth: Mapping[str, Any], digest: str, ask: Ask) -> str:
    """The SAD for one signature over this very digest (section 11.6)."""
    if auth.get("mode") not in ("explicit", "implicit"):
        raise ClientError("REMOTE_MODE", credential=credential, value=str(auth.get("mode"))[:40])
    body = {
        "credentialID": credential, "numSignatures": 1, "hashes": [digest], "hashAlgorithmOID": SHA256,
    }  # fmt: skip
    given = [_auth_data(service, credential, _object(each), ask) for each in _objects(auth)]
    found = service.call("credentials/authorize", {**body, "authData": given} if given else body).get("SAD")
    if not isinstance(found, str) or not found:
        raise ClientError("REMOTE_STRANGE", server=service.base, call="credentials/authorize", field="SAD")
    return found


def _objects(auth: Mapping[str, Any]) -> Sequence[Any]:
    found = auth.get("objects") if auth.get("mode") == "explicit" else []
    return found[:5] if isinstance(found, list) else []


def _auth_data(service: _Service, credential: str, wanted: Mapping[str, Any], ask: Ask) -> dict[str, str]:
    """What a person types for one authentication object; a one-time password is first sent to them (11.7)."""
    id = str(wanted.get("id"))[:40]
    if wanted.get("type") == "Password":
        return {"id": id, "value": ask("PIN", credential)}
    if wanted.get("type") == "ChallengeResponse":
        service.call("credentials/getChallenge", {"credentialID": credential, "id": id, "lang": service.lang})
        return {"id": id, "value": ask("OTP", credential)}
    raise ClientError("REMOTE_MODE", credential=credential, value=str(wanted.get("type"))[:40])


def _sign_hash(service: _Service, credential: str, sad: str, digest: str, alg: tuple[str, str]) -> bytes:
    """Section 11.10. ECDSA comes as the pair r, s in DER or side by side; JWS has it side by side."""
    body = {
        "credentialID": credential, "SAD": sad, "hashes": [digest], "hashAlgorithmOID": SHA256, "signAlgo": alg[0],
        "operationMode": "S",
    }  # fmt: skip
    found = service.call("signatures/signHash", body).get("signatures")
    try:
        if not isinstance(found, list) or len(found) != 1:
            raise ValueError("one signature was asked for")
        raw = base64.b64decode(found[0], validate=True)
        if alg[1] == "ES256" and len(raw) != 64:
            r, s = decode_dss_signature(raw)
            raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    except (TypeError, ValueError, OverflowError, binascii.Error):
        raise ClientError(
            "REMOTE_STRANGE", server=service.base, call="signatures/signHash", field="signatures"
        ) from None
    return raw


def _chain(service: _Service, given: object) -> tuple[bytes, ...]:
    try:
        if not isinstance(given, list) or not 1 <= len(given) <= 10:
            raise ValueError("no certificates")
        chain = tuple(base64.b64decode("".join(str(each).split()), validate=True) for each in given)
    except (ValueError, binascii.Error):
        field = "cert.certificates"
        raise ClientError("REMOTE_STRANGE", server=service.base, call="credentials/info", field=field) from None
    return chain[: certificates.MAX_CHAIN]


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
