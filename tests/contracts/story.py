"""A small log with one contract in it, made with fixed keys: what the evidence tests cut, change and put together."""

from datetime import UTC, date, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts import bundle, canonical, document, evidence, signature
from contracts.evidence import Record
from contracts.log import checkpoint, leaf, tiles, tree
from contracts.terms import Terms

ORIGIN = "log.minhbach.example/2026"
LOG_KEY = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
VKEY = checkpoint.format_vkey(checkpoint.verifier_key(ORIGIN, LOG_KEY))
POLICY = f"log {VKEY}\nquorum none\n"
NOW = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
KEYS = {name: Ed25519PrivateKey.from_private_bytes(name[:1].encode() * 32) for name in ("provider-org", "buyer-org")}
TERMS = Terms(
    licence="L6",
    purpose="Nghiên cứu độ trễ chuyến bay",
    scenario="Phân tích nội bộ",
    territory=("VN",),
    starts=date(2026, 11, 1),
    ends=date(2027, 10, 31),
    exclusive=False,
    onward_transfer="none",
    ip_limits="",
    price_vnd=1_000_000,
    attribution=True,
)
CONTRACT = "contract:01JB2C3D4E5F6G7H8J9K"
BEGUN = 3  # records before the contract; the head of this size is the one the parties name


class Log:
    """Leaves in order; `add` keeps each subject's chain."""

    def __init__(self):
        self.leaves, self._last = [], {}

    def add(self, event, *on, actor="system", h=None, d=None, prev=...):
        number = len(self.leaves)
        id = f"event-{number:012d}"
        data = leaf.make(
            origin=ORIGIN,
            type=event,
            at_ms=int(NOW.timestamp() * 1000) + number,
            id=id,
            actor=actor,
            on=on,
            prev=self._last.get(on[0]) if prev is ... else prev,
            h=h,
            d=d,
        )
        self._last[on[0]] = id
        self.leaves.append(data)
        return number

    def head(self, size=None):
        leaves = self.leaves[:size]
        return checkpoint.Checkpoint(ORIGIN, len(leaves), tree.root_of(leaves))

    def signed_head(self, size=None):
        return checkpoint.sign_checkpoint(self.head(size), LOG_KEY)

    def older(self, size):
        """The signed head of that size, and the proof that the newest one continues it."""
        proof = tree.prove_consistency(tiles.EntryReader(self.leaves), size, len(self.leaves))
        return evidence.OlderHead(self.signed_head(size), proof)

    def records(self, subject):
        reader = tiles.EntryReader(self.leaves)
        size = len(self.leaves)
        return [
            Record(index, data, tree.prove_inclusion(reader, index, size))
            for index, data in enumerate(self.leaves)
            if subject in leaf.parse(data).on
        ]

    def all_records(self):
        return [Record(index, data) for index, data in enumerate(self.leaves)]


def make_contract(log, subject=CONTRACT):
    parties = [
        document.Party(role, org, name, tax, (signature.thumbprint(signature.public_jwk(KEYS[org])),))
        for role, org, name, tax in [
            ("provider", "provider-org", "Công ty Dữ liệu A", "0100109106"),
            ("consumer", "buyer-org", "Công ty Phân tích B", "0300588569"),
        ]
    ]
    digest = canonical.sha256_b64url(b"rows")
    head = log.head()
    return document.build(
        id=subject.removeprefix("contract:"),
        created=NOW,
        nonce=b"n" * 16,
        parties=parties,
        assets=[document.AssetRef("flights", 1, digest, digest, "Chuyến bay", 336_776)],
        terms=TERMS,
        log=document.LogHead(head.origin, head.size, checkpoint.format_checkpoint(head).split("\n")[2]),
    )


def sign(contract):
    later = NOW + timedelta(minutes=1)
    return [signature.sign(contract.payload, key, now=later) for key in KEYS.values()]


def tell(log, contract, entries, *, upto=99, subject=CONTRACT):
    """The contract's events, in the right order; `upto` cuts the story."""
    agreed = {"contract": contract.hash}
    steps = [("contract.agreed", "org:provider-org", agreed)]
    for org, entry in zip(KEYS, entries, strict=True):
        steps.append(("contract.signed", f"org:{org}", {**agreed, "signature": canonical.digest(entry)}))
    steps.append(("contract.active", "system", agreed))
    steps.append(("delivery.made", "org:buyer-org", {}))
    steps.append(("contract.ended", "org:buyer-org", agreed))
    for event, actor, hashes in steps[:upto]:
        log.add(event, subject, "listing:flights", actor=actor, h=hashes)
        log.add("listing.changed", "listing:other", actor="org:someone")


def begin():
    log = Log()
    log.add("listing.submitted", "listing:flights", actor="org:provider-org")
    log.add("listing.published", "listing:flights", actor="org:operator")
    log.add("access.requested", "negotiation:n1", "listing:flights", actor="org:buyer-org")
    return log


def whole_story(upto=99):
    log = begin()
    contract = make_contract(log)
    entries = sign(contract)
    tell(log, contract, entries, upto=upto)
    return log, contract, entries


def jws(contract, entries):
    return canonical.dumps(signature.assemble(contract.payload, entries))


def extras(log, sizes=(BEGUN,), **more):
    """Older heads, the one that the parties named among them."""
    return evidence.Extras(heads={size: log.older(size) for size in sizes if size <= len(log.leaves)}, **more)


def write(log, signed, *, scope=CONTRACT, records=None, note=None, more=None):
    if records is None:
        records = log.all_records() if scope == bundle.WHOLE_LOG else log.records(scope)
    return evidence.write(
        scope=scope,
        checkpoint=note or log.signed_head(),
        log_keys=[VKEY],
        records=records,
        contracts=signed,
        extras=extras(log) if more is None else more,
    )
