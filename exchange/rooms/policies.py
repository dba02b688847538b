"""The policy of a test room: a safe draft from what was measured about the file, what its provider designed, and what
the contract and the certificate say, compiled into one document and read back strictly.
"""

import hashlib
import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from contracts.clauses import TITLES
from contracts.document import Contract
from contracts.standing import last_moment
from contracts.terms import CLAUSE_OF, first_moment
from exchange.catalogue.models import Asset, ListingVersion
from exchange.rooms import rules
from exchange.rooms.models import TestRoom
from sandbox.compile import Agreed, Data, compile, period
from sandbox.denials import PolicyRefused
from sandbox.draft import ColumnProfile, draft
from sandbox.merge import merge
from sandbox.policy import Mode, Policy, Role
from sandbox.trial import Trial

FLOOR = 10  # smallest group shown, unless the listing asks for a larger one
QUESTIONS = 100  # per buyer and dataset
ANSWER_BYTES = 65_536  # an answer is kept until the room closes, so it stays small
TABLE = "data"
# What stands in a clause without being a field of the terms -> the clause (contracts.clauses).
CLAUSES = {"parties": 1, "data": 2, "delivery": 13, "personal": 14, "security": 15, "stop": 18, "trial": 22}


@dataclass(frozen=True)
class Plan:
    """What opening a room needs and nobody holds a database connection for."""

    policy: dict[str, Any]  # without the digest of the copy
    recipe: str  # names the copy
    sources: Mapping[str, str]  # columns of the file that the copy needs, with their measured types
    file_key: str
    format: str


def plan(
    asset: Asset,
    version: ListingVersion,
    trial: Trial | None,
    now: datetime,
    *,
    buyer: str,
    agreed: Agreed | None = None,
    design: Mapping[str, Any] | None = None,
    min_isolation_tier: int = 0,
) -> Plan:
    """What the listing allows, compiled with contract and certificate; raises PolicyRefused."""
    if agreed is not None:
        window = agreed.starts, agreed.ends
    elif trial is not None:
        window = period(trial, now)
    else:
        raise PolicyRefused("POLICY_INVALID", key="window")  # neither contract nor certificate: nothing to ask under
    document = offered(asset, version, window, buyer=buyer, design=design)
    document["min_isolation_tier"] = max(min_isolation_tier, document["min_isolation_tier"])
    document = compile(document, Data(version.sector, version.classification), trial, now, agreed)
    Policy.from_json(document)
    used = [e["source"] for e in document["columns"].values() if e["role"] != Role.FORBIDDEN]
    types = {str(column["name"]): str(column["type"]) for column in asset.columns}
    if not types.keys() >= set(used):
        raise PolicyRefused("SNAPSHOT_COLUMN_MISSING", column=next(name for name in used if name not in types))
    return Plan(document, recipe(document), {name: types[name] for name in used}, asset.file_key, asset.format)


def offered(
    asset: Asset,
    version: ListingVersion,
    window: tuple[datetime, datetime],
    *,
    buyer: str = "",
    design: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What the listing alone allows: the draft for its file under the provider's design, before contract and
    certificate make it stricter. Columns in which personal data were found are never asked about."""
    floor = max(FLOOR, version.min_group or 0)
    document = draft(
        [_profile(column) for column in asset.columns],
        policy_id=f"{version.listing_id}.{version.number}",
        starts=window[0],
        ends=window[1],
        purposes=[rules.PURPOSE],
        table=TABLE,
        min_group=floor,
        queries=QUESTIONS,
        buyer=buyer,
    )
    document["output"]["max_bytes"] = ANSWER_BYTES
    if design is not None:
        document = _designed(document, design)
    _protect(document, {str(hit["column"]) for hit in asset.personal_hits}, floor)
    return document


def _designed(document: dict[str, Any], design: Mapping[str, Any]) -> dict[str, Any]:
    """The provider's design over the draft. Roles of columns and the number of questions are the provider's own word on
    its own data; in everything else the stricter of the two stands, and what the design does not name is as drafted."""
    own = {**document, **{name: design[name] for name in ("mode", "columns", "dp", "templates") if name in design}}
    for name in ("dataset", "limits", "budgets", "output", "resources"):
        own[name] = {**document[name], **design.get(name, {})}
    counts = {name: own["budgets"][name] for name in ("queries_total", "queries_per_day", "requests_total")}
    return merge({**document, "columns": own["columns"], "budgets": {**document["budgets"], **counts}}, own)


def _protect(document: dict[str, Any], personal: set[str], floor: int) -> None:
    """Personal columns out, but for the one that persons are counted by; rare texts together, unless their values are
    public and noise hides the counts."""
    for name, entry in document["columns"].items():
        if entry.get("source", name) in personal and entry["role"] != Role.UNIT:
            document["columns"][name] = {"role": Role.FORBIDDEN.value, "source": entry.get("source", name)}
        elif (
            entry["role"] == Role.DIM and entry.get("type", "text") == "text" and document["mode"] != Mode.AGGREGATE_DP
        ):
            entry["min_units_for_value"] = max(floor, entry.get("min_units_for_value", 0))


def agreed_of(signed: Contract) -> Agreed:
    """A signed contract as the compiler takes it, with the number of the clause behind each of its terms."""
    terms, party = signed.terms, {party.role: party.org_id for party in signed.parties}
    return Agreed(
        contract=signed.id,
        digest=hexadecimal(signed.hash),
        provider=party["provider"],
        buyer=party["consumer"],
        starts=first_moment(terms.starts),
        ends=last_moment(signed),
        purpose=terms.purpose,
        territory=terms.territory,
        min_group=terms.min_group,
        max_queries=terms.max_queries,
        clauses={name: str(number) for name, number in {**CLAUSE_OF, **CLAUSES}.items()},
        numbers=tuple(str(number) for number in range(1, len(TITLES["en"]) + 1)),
    )


def hexadecimal(name: str) -> str:
    """``sha256:<hex>`` of a digest that is written ``sha-256:<base64url>``, as the log and contracts do."""
    return "sha256:" + urlsafe_b64decode(name.removeprefix("sha-256:") + "=").hex()


def recipe(document: Mapping[str, Any]) -> str:
    """A name for everything in the policy that shapes the copy: the same recipe over one file, the same copy."""
    parts = {"columns": document["columns"], "unit": document["dataset"].get("unit_column")}
    parts["rows"] = document["dataset"]["max_rows_per_unit"]
    if document["mode"] == Mode.AGGREGATE_DP:  # folds by the public lists, not by counts
        parts["mode"] = document["mode"]
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def sealed(document: Mapping[str, Any], copy_id: str, sha256: str) -> dict[str, Any]:
    """The policy bound to the very bytes it may be used on."""
    return {**document, "dataset": {**document["dataset"], "snapshot_id": copy_id, "sha256": sha256}}


def of_room(room: TestRoom) -> Policy:
    """The room's policy, read strictly."""
    return Policy.from_json(room.policy)


def _profile(column: Mapping[str, Any]) -> ColumnProfile:
    return ColumnProfile(
        name=str(column["name"]),
        type=str(column["type"]),
        distinct=int(column.get("distinct") or 0),
        low=_number(column.get("min")),
        high=_number(column.get("max")),
    )


def _number(text: object) -> int | float | None:
    """A measured extreme; None for what is no finite number."""
    try:
        value = Decimal(str(text))
    except InvalidOperation:
        return None
    if not value.is_finite():
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def columns_by_role(policy: Policy, role: Role) -> list[str]:
    """Names a query may write, in the order of the file."""
    return [column.name for column in policy.with_role(role)]
