"""What a party checks by itself: that a contract is the one negotiated, and that the log really holds its record.

The exchange is believed in nothing that can be computed here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts import canonical, document
from contracts.document import Contract
from contracts.errors import ContractsError
from contracts.log import leaf, tree
from contracts.log.policy import Policy, check_policy
from contracts.log.proof import parse_proof
from exchange.client.words import ClientError


@dataclass(frozen=True)
class Proved:
    """A record of this contract's life, and where it stands in which log."""

    event: str
    index: int
    size: int
    origin: str


def check_negotiated(
    payload: bytes,
    said: Mapping[str, Any],
    negotiation: Mapping[str, Any],
    terms_hash: str | None = None,
) -> Contract:
    """The contract in these bytes, if it is the one asked for (``said``: the exchange's view of it), about the listing
    and on the terms of its negotiation. ``terms_hash`` is what the signer noted down themselves, if they did.
    """
    contract = document.parse(payload)  # refuses a document that contradicts itself, its prose included
    if contract.id != said["id"]:
        raise ClientError("CONTRACT_OTHER", got=contract.id, asked=said["id"])
    if contract.hash != said["sha256"]:
        raise ClientError("CONTRACT_HASH_DIFFERS", got=contract.hash, said=said["sha256"])
    for agreed in (terms_hash, negotiation["terms_hash"]):
        if agreed is not None and contract.terms.hash != agreed:
            raise ClientError("CONTRACT_TERMS_DIFFER", got=contract.terms.hash, agreed=agreed)
    wanted = f"{negotiation['listing_id']}, {negotiation['version']}"
    for asset in contract.assets:
        if f"{asset.listing_id}, {asset.version}" != wanted:
            got = f"{asset.listing_id}, {asset.version}"
            raise ClientError("CONTRACT_LISTING_DIFFERS", got=got, agreed=wanted)
    return contract


def check_signer(contract: Contract, org_id: str, kid: str) -> None:
    """The organisation is to sign this contract, and with this key."""
    party = next((party for party in contract.parties if party.org_id == org_id), None)
    if party is None or org_id not in contract.needs:
        raise ClientError("NOT_OUR_CONTRACT")
    if kid not in party.keys:
        raise ClientError("KEY_NOT_IN_CONTRACT", kid=kid, passes=", ".join(party.keys))


def check_receipt(receipt: Mapping[str, Any], contract: Contract, policy: Policy) -> Proved:
    """The record speaks of this contract and lies under a head that a log of ``policy`` signed, witnesses included."""
    event = str(receipt["event"])
    data = str(receipt["entry"]).encode()
    try:
        proof, record = parse_proof(receipt["proof"]), leaf.parse(data)
        head = check_policy(policy, proof.checkpoint).checkpoint
        tree.check_inclusion(proof.hashes, proof.index, head.size, head.root, tree.leaf_hash(data))
    except ContractsError as error:
        raise ClientError("PROOF_FAILED", event=event, reason=error) from None
    facts = {
        "t": record.type == event,
        "id": record.id == receipt["event_id"],
        "on": f"contract:{contract.id}" in record.on,
        "h.contract": record.h.get("contract") == contract.hash,
        "log": record.log == head.origin,
    }
    if wrong := [name for name, holds in facts.items() if not holds]:
        raise ClientError("PROOF_OTHER", event=event, what=", ".join(wrong))
    return Proved(event, proof.index, head.size, head.origin)


def check_own_signature(receipt: Mapping[str, Any], entry: Mapping[str, str]) -> None:
    """The record commits to this very signature (its receipt has been checked)."""
    record = leaf.parse(str(receipt["entry"]).encode())
    if record.h.get("signature") != canonical.digest(dict(entry)):
        raise ClientError("PROOF_OTHER", event=receipt["event"], what="h.signature")
