"""Checking a bundle of a whole log: records a second for the hashes alone and for everything, and the memory it takes,
against SHA-256 over the same leaves and nothing else; contracts of three signatures against those signatures alone."""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts import bundle, canonical, document, evidence, signature
from contracts.archive import Archive
from contracts.bundle import Bundle
from contracts.keys import PrivateKey, check_signature, make_signature, public_jwk
from contracts.log import checkpoint, leaf, tiles
from contracts.log.rebuild import Rebuild
from contracts.log.tiles import ENTRIES, WIDTH, Tile
from contracts.terms import Terms
from exchange.bench import Figure, per_second

ORIGIN = "log.bench/1"
STORIES = 1_000  # chains that grow side by side
PARTIES = {"provider": "o1", "consumer": "o2", "operator": "o3"}
NOW = datetime(2026, 11, 1, tzinfo=UTC)
TERMS = Terms(
    licence="L6", purpose="Nghiên cứu độ trễ chuyến bay", scenario="Phân tích nội bộ", territory=("VN",),
    starts=date(2026, 11, 1), ends=date(2027, 10, 31), exclusive=False, onward_transfer="none", ip_limits="",
    price_vnd=1_000_000, attribution=True,
)  # fmt: skip

# Runs one checker on a file, as its command does; prints whether it holds, how long it took by the clock and of all
# processors, and the most memory it held. Of a child getrusage tells no less than its parent held when it was started;
# VmHWM begins anew.
ALONE = """
import json, os, pathlib, re, resource, sys, time
kind, path = sys.argv[1:]
from contracts import evidence, verify
start, begun = time.perf_counter(), sum(os.times()[:4])
if kind == "package":
    ok = evidence.check(path, processes=os.cpu_count() or 1).ok
else:
    with open(path, "rb") as file:
        ok = all(line[1] != "fail" for line in verify.Checker(file, None, None, None).report())
seconds, busy = time.perf_counter() - start, sum(os.times()[:4]) - begun
status = pathlib.Path("/proc/self/status")
own = re.search("VmHWM:[^0-9]*([0-9]+)", status.read_text()) if status.exists() else None
most = int(own[1]) if own else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"ok": ok, "seconds": seconds, "busy": busy, "mib": most // 1024}))
"""
CHECKERS = {"package": "python -m contracts verify", "file": "verify.py"}


def run(_kind: str, count: int = 1_000_000) -> list[Figure]:
    """Figures for a log of ``count`` records, and for a hundredth as many contracts in a log of their own."""
    key = Ed25519PrivateKey.generate()
    with tempfile.TemporaryDirectory(prefix="minhbach-bench-") as folder:
        whole, signed = Path(folder, "log.zip"), Path(folder, "contracts.zip")
        _write(whole, key, [_record(number) for number in range(count)], {})
        return [*_records(whole, count), *_contracts(signed, key, max(1, count // 100))]


def _records(path: Path, count: int) -> list[Figure]:
    with path.open("rb") as file:
        opened = Bundle(Archive(file))
        rebuild = Rebuild(opened.tile)

        def each(take: Callable[[list[bytes]], object]) -> None:
            for tile in tiles.bundles_of(count):
                take(tiles.decode_bundle(opened.tile(tile), tile.width))

        def ours() -> None:
            each(rebuild.add)
            rebuild.root()

        hashed = per_second(count, ours)
        bare = per_second(count, lambda: each(_hash_all))
    same = "SHA-256 of the same leaves, read from the same file"
    figures = [Figure("leaves, tiles and root", "records/s", hashed, bare, same)]
    for kind, name in CHECKERS.items():
        seconds, more = _alone(kind, path)
        figures.append(Figure(f"{name}, everything", "records/s", round(count / seconds, 1), bare, same, more))
    return figures


def _contracts(path: Path, key: Ed25519PrivateKey, count: int) -> list[Figure]:
    private = [signature.generate() for _ in PARTIES]
    leaves: list[bytes] = []
    signed = [_contract(private, number, leaves) for number in range(count)]
    _write(path, key, leaves, {bundle.payload_sha256(data): data for data in signed})
    message = b"m" * 5_000
    jwk, proof = public_jwk(private[0]), make_signature(message, private[0], "Ed25519")

    def check_all() -> None:
        for _ in range(count * len(PARTIES)):
            check_signature(message, proof, jwk, "Ed25519")

    bare = per_second(count, check_all)
    figures = []
    for kind, name in CHECKERS.items():
        seconds, more = _alone(kind, path)
        ours = round(count / seconds, 1)
        figures.append(Figure(f"{name}, contracts", "contracts/s", ours, bare, "three signatures of each", more))
    return figures


def _alone(kind: str, path: Path) -> tuple[float, dict[str, Any]]:
    """One checker in a process of its own: only there its memory can be told from ours."""
    done = subprocess.run([sys.executable, "-c", ALONE, kind, path], capture_output=True, text=True, check=True)  # noqa: S603
    told = json.loads(done.stdout)
    if not told["ok"]:
        raise RuntimeError(f"{CHECKERS[kind]} refuses the bundle")
    times = {"seconds": round(told["seconds"], 2), "processor_seconds": round(told["busy"], 2)}
    more = {**times, "peak_mib": told["mib"], "bytes": path.stat().st_size}
    return told["seconds"], more


def _hash_all(leaves: list[bytes]) -> None:
    for data in leaves:
        hashlib.sha256(data).digest()


def _write(path: Path, key: Ed25519PrivateKey, leaves: list[bytes], signed: dict[str, bytes]) -> None:
    reader = tiles.EntryReader(leaves)

    def fetch(tile: Tile) -> bytes:
        first = tile.index * WIDTH
        if tile.level == ENTRIES:
            return tiles.encode_bundle(leaves[first : first + tile.width])
        return tiles.tile_data(reader, tile)

    rebuild = Rebuild(lambda tile: fetch(tile))
    for first in range(0, len(leaves), WIDTH):
        rebuild.add(leaves[first : first + WIDTH])
    head = checkpoint.Checkpoint(ORIGIN, len(leaves), rebuild.root())
    with path.open("w+b") as out:
        evidence.write_log(
            out,
            checkpoint=checkpoint.sign_checkpoint(head, key),
            size=head.size,
            log_keys=[checkpoint.format_vkey(checkpoint.verifier_key(ORIGIN, key))],
            fetch=fetch,
            contracts={name: partial(bytes, data) for name, data in signed.items()},
        )


def _record(number: int) -> bytes:
    """A record like those of a test room; written as text, because making a million with all checks takes a while."""
    prev = f'"{_id(number - STORIES)}"' if number >= STORIES else "null"
    story = number % STORIES
    text = (
        f'{{"actor":"org:01k8w{story:021d}","at":{1790000000000 + number},"d":{{"rows":{number}}},"h":{{}},'
        f'"id":"{_id(number)}","log":"{ORIGIN}","on":["room:01k8x{story:021d}","listing:01k8y{story % 97:021d}"],'
        f'"prev":{prev},"t":"query.refused","v":1}}'
    )
    return text.encode("ascii")


def _id(number: int) -> str:
    return f"01k8z{number:021d}"


def _contract(private: list[PrivateKey], number: int, leaves: list[bytes]) -> bytes:
    """A contract that three parties signed, with its records added to ``leaves``."""
    parties = [
        document.Party(role, org, f"Công ty {org}", "", (signature.thumbprint(public_jwk(key)),))
        for (role, org), key in zip(PARTIES.items(), private, strict=True)
    ]
    digest = canonical.sha256_b64url(b"rows")
    assets = [document.AssetRef("flights", 1, digest, digest, "Chuyến bay", 336_776)]
    contract = document.build(
        id=f"c{number:025d}", created=NOW, nonce=number.to_bytes(16, "big"), parties=parties, assets=assets,
        terms=TERMS, needs=list(PARTIES.values()),
    )  # fmt: skip
    entries = [signature.sign(contract.payload, key, now=NOW + timedelta(minutes=1)) for key in private]
    agreed = {"contract": contract.hash}
    events = [("contract.agreed", "org:o1", agreed)]
    for org, entry in zip(PARTIES.values(), entries, strict=True):
        events.append(("contract.signed", f"org:{org}", {**agreed, "signature": canonical.digest(entry)}))
    events.append(("contract.active", "system", agreed))
    prev = None
    for event, actor, hashes in events:
        id, subject = _id(len(leaves)), f"contract:{contract.id}"
        made = leaf.make(
            origin=ORIGIN, type=event, at_ms=1790000000000, id=id, actor=actor, on=[subject], prev=prev, h=hashes
        )
        leaves.append(made)
        prev = id
    return canonical.dumps(signature.assemble(contract.payload, entries))
