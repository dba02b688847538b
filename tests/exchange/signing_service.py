"""A remote signing service for tests, by the CSC API 2.0.0.2: real HTTP, real keys and certificates, real refusals.

Each credential has a PIN or a one-time password; activation data is good for one digest, once, until it expires.
"""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from tests.contracts.authority import Certified

CLIENT, SECRET, PIN, OTP = "minhbach-terminal", "a service's secret", "864209", "113355"
SHA256 = "2.16.840.1.101.3.4.2.1"
RSA, ECDSA = "1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2"


class Refusal(Exception):
    """What the service answers in place of a result."""

    def __init__(self, status: int, error: str, description: str = "") -> None:
        super().__init__(error)
        self.status, self.body = status, {"error": error, "error_description": description}


@dataclass
class Service:
    """The state of one service; tests reach in and spoil what they are about."""

    credentials: dict[str, Certified]
    spoil: dict[str, Any] = field(default_factory=dict)  # call -> raw bytes, or a function of the right answer
    objects: list[dict[str, str]] = field(default_factory=lambda: [{"type": "Password", "id": "PIN"}])
    specs: str = "2.0.0.2"
    status: str = "enabled"
    mode: str = "explicit"
    algo: list[str] | None = None
    sad_expires: bool = False
    raw_ecdsa: bool = False
    tokens: set[str] = field(default_factory=set)
    codes: dict[str, str] = field(default_factory=dict)  # code -> PKCE challenge
    sads: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    address: str = ""
    silence: threading.Event = field(default_factory=threading.Event)  # set: the tests are over, slow answers go

    def answer(self, call: str, body: dict[str, Any], token: str) -> dict[str, Any]:
        """One call of the API."""
        self.asked.append((call, body))
        if call == "info":
            oauth = self.address.removesuffix("/csc/v2")
            return {"specs": self.specs, "name": "Dịch vụ thử", "authType": ["oauth2client"], "oauth2": oauth}
        if token not in self.tokens:
            raise Refusal(401, "invalid_token", "The access token is not valid")
        known = {
            "credentials/list": self.listed, "credentials/info": self.info, "credentials/authorize": self.authorize,
            "credentials/getChallenge": self.challenge, "signatures/signHash": self.sign_hash,
        }  # fmt: skip
        return known[call](body)

    def listed(self, body: dict[str, Any]) -> dict[str, Any]:
        """11.4"""
        return {"credentialIDs": list(self.credentials)}

    def held(self, body: dict[str, Any]) -> Certified:
        """The credential that a call names."""
        if body.get("credentialID") not in self.credentials:
            raise Refusal(400, "invalid_request", "Invalid parameter credentialID")
        return self.credentials[body["credentialID"]]

    def info(self, body: dict[str, Any]) -> dict[str, Any]:
        """11.5"""
        held = self.held(body)
        assert body["certificates"] == "chain"
        algo = [RSA] if isinstance(held.key, rsa.RSAPrivateKey) else [ECDSA]
        chain = [base64.b64encode(der).decode() for der in held.chain]
        return {
            "key": {"status": self.status, "algo": self.algo or algo, "len": 2048},
            "cert": {"status": "valid", "certificates": chain},
            "auth": {"mode": self.mode, "expression": "PIN", "objects": self.objects},
            "SCAL": "2", "multisign": 1,
        }  # fmt: skip

    def challenge(self, body: dict[str, Any]) -> dict[str, Any]:
        """11.7: here a one-time password would be sent to the person."""
        self.held(body)
        return {}

    def authorize(self, body: dict[str, Any]) -> dict[str, Any]:
        """11.6"""
        self.held(body)
        given = {each["id"]: each["value"] for each in body.get("authData", [])}
        for each in self.objects if self.mode == "explicit" else []:
            right = {"PIN": PIN, "OTP": OTP}[each["id"]]
            if given.get(each["id"]) != right:
                raise Refusal(400, f"invalid_{each['id'].lower()}", "It is invalid")
        assert (body["numSignatures"], body["hashAlgorithmOID"]) == (1, SHA256)
        sad = secrets.token_urlsafe(16)
        self.sads[sad] = (body["credentialID"], body["hashes"])
        return {"SAD": sad, "expiresIn": 300}

    def sign_hash(self, body: dict[str, Any]) -> dict[str, Any]:
        """11.10"""
        held = self.held(body)
        authorized = self.sads.pop(body["SAD"], None)
        if self.sad_expires or authorized != (body["credentialID"], body["hashes"]):
            raise Refusal(400, "invalid_sad", "The SAD has expired")
        digest = base64.b64decode(body["hashes"][0])
        assert len(digest) == hashlib.sha256().digest_size
        algorithm = utils.Prehashed(hashes.SHA256())
        if isinstance(held.key, rsa.RSAPrivateKey):
            raw = held.key.sign(digest, padding.PKCS1v15(), algorithm)
        else:
            raw = held.key.sign(digest, ec.ECDSA(algorithm))
            if self.raw_ecdsa:
                r, s = utils.decode_dss_signature(raw)
                raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return {"signatures": [base64.b64encode(raw).decode()]}

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        """8.3.3"""
        pair = base64.b64encode(f"{CLIENT}:{SECRET.replace(' ', '%20').replace(chr(39), '%27')}".encode()).decode()
        if form["grant_type"] == "client_credentials":
            if authorization != f"Basic {pair}" or form["scope"] != "service":
                raise Refusal(401, "invalid_client", "Unknown client")
        else:
            verifier = hashlib.sha256(form["code_verifier"].encode()).digest()
            wanted = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
            if self.codes.pop(form["code"], None) != wanted:
                raise Refusal(400, "invalid_grant", "The code was not made for this client")
        made = secrets.token_urlsafe(16)
        self.tokens.add(made)
        return {"access_token": made, "token_type": "Bearer", "expires_in": 3600}


class _Door(BaseHTTPRequestHandler):
    server: "_Server"

    def do_GET(self) -> None:
        """The authorisation endpoint (8.3.2): the person behind this test says yes at once."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.server.service.codes[code] = query["code_challenge"]
        self.send_response(302)
        self.send_header("Location", f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        """A call, or the token endpoint."""
        service, sent = self.server.service, self.rfile.read(int(self.headers["Content-Length"]))
        call = self.path.removeprefix("/csc/v2/").removeprefix("/")
        try:
            if call == "oauth2/token":
                form = {name: values[0] for name, values in parse_qs(sent.decode()).items()}
                found, status = service.token(form, self.headers.get("Authorization", "")), 200
            else:
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                found, status = service.answer(call, json.loads(sent), token), 200
        except Refusal as refusal:
            found, status = refusal.body, refusal.status
        self._send(service.spoil.get(call), found, status)

    def _send(self, spoilt: Any, found: dict[str, Any], status: int) -> None:
        if isinstance(spoilt, int):
            status, spoilt = spoilt, None
        if spoilt == "silence":
            self.server.service.silence.wait(10)
            return
        if callable(spoilt):
            found = spoilt(found)
        body = spoilt if isinstance(spoilt, bytes) else json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 307:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    service: Service
    daemon_threads = True


@contextmanager
def running(credentials: dict[str, Certified]) -> Iterator[Service]:
    """A service that answers until the end of the block."""
    with _Server(("127.0.0.1", 0), _Door) as server:
        server.service = Service(credentials, address=f"http://127.0.0.1:{server.server_port}/csc/v2")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.service
        server.service.silence.set()
        server.shutdown()
        thread.join()
