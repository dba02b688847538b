"""Making the protected copy of a file in a process of its own: the file is the provider's, its bytes are not trusted.

`make` is the web process's half; run as a module this is the other half. What only the first half needs is imported
there: without the tables of the exchange a process starts in a third of the time.
"""

import hashlib
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from exchange.catalogue import apart, reader
from exchange.errors import Refused
from sandbox import snapshot
from sandbox.denials import Denied, SandboxError
from sandbox.policy import Policy

if TYPE_CHECKING:
    from exchange.rooms.policies import Plan

SECONDS = 600
MEMORY_MB = 1024
THREADS = 2


@dataclass(frozen=True)
class Copy:
    """What was built, measured on the result."""

    sha256: str
    rows: int
    dropped_rows: int
    units: int | None


def make(plan: "Plan", source: Path, target: Path) -> Copy:
    """Write the copy to ``target``; raises Refused when the file cannot be protected as the policy says."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="minhbach-copy-", dir=target.parent) as work:
        job = {"source": str(source), "format": plan.format, "work": work, "target": str(target),
               "policy": plan.policy, "sources": dict(plan.sources)}  # fmt: skip
        try:
            answer = apart.ask("exchange.rooms.copying", job, work=work, memory_mb=MEMORY_MB, seconds=SECONDS)
        except apart.Unanswered:
            raise _refused("SNAPSHOT_UNREADABLE", {}) from None
    if "code" in answer:
        raise _refused(answer["code"], answer["facts"])
    return Copy(**answer)


def digest(path: Path) -> str | None:
    """sha256:<hex> of a file, None when there is none."""
    try:
        with path.open("rb") as file:
            return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _refused(code: str, facts: dict[str, Any]) -> Refused:
    from exchange.rooms import rules  # late, as said above

    return Refused(rules.say_denied(Denied(code, facts)), status=409)


def _typed(job: dict[str, Any]) -> Path:
    """The columns that the policy uses, with the types that were measured when the file was uploaded."""
    work = Path(job["work"])
    made = work / "typed.parquet"
    db = reader.connect(Path(job["source"]), work, MEMORY_MB, THREADS)
    try:
        reader.STAGES[job["format"]](db, Path(job["source"]), work)
        cells = ", ".join(
            f'TRY_CAST("{name}" AS {kind}) AS "{name}"'
            for name, kind in ((name.replace('"', '""'), kind) for name, kind in job["sources"].items())
        )
        db.execute(f"COPY (SELECT {cells or '1 AS nothing'} FROM data) TO '{made}' (FORMAT parquet)")  # noqa: S608
    finally:
        db.close()
    return made


def _build(job: dict[str, Any]) -> dict[str, Any]:
    try:
        policy = Policy.from_json(job["policy"])
        info = snapshot.build(_typed(job), policy, job["target"], mem_mb=MEMORY_MB, threads=THREADS)
    except SandboxError as error:
        return {"code": error.code, "facts": dict(error.denied.facts)}
    except (duckdb.Error, reader.Unreadable):
        # The engine's message may quote a value of the file.
        return {"code": "SNAPSHOT_UNREADABLE", "facts": {}}
    return asdict(Copy(info.sha256, info.rows, info.dropped_rows, info.units))


if __name__ == "__main__":
    apart.answer(_build)
