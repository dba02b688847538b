"""`python -m sandbox check|run|probe|receipt`: JSON lines of queries in, JSON lines of verdicts out.

check --policy P.json                              the gate alone, on text and policy
run   --policy P.json --table sales=FILE.parquet   builds a protected snapshot of FILE first, then answers
probe                                              which tiers of isolation this machine reaches, and what failed
receipt FILE --key KEY [--answer ANSWER]           whether the key has signed this receipt, and of this answer
"""

import argparse
import io
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox import circumstances, launch, overlap, privacy, query, receipt, snapshot, strict, words
from sandbox.denials import Denied, PolicyRefused, SandboxError
from sandbox.overlap import Region
from sandbox.policy import Policy
from sandbox.privacy import Released
from sandbox.query import Accepted
from sandbox.runner import Answer, Runner, shape_released


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer every line; exit 0 when all lines were read, 2 when the policy, the file or the receipt is refused."""
    chosen = _arguments(arguments)
    try:
        if chosen.command in ("probe", "receipt"):
            return _probe() if chosen.command == "probe" else _receipt(chosen)
        _speak_utf8()
        with ExitStack() as stack:
            door = Door(_policy(chosen.policy), chosen.lang)
            if chosen.command == "run":
                door.open(stack, chosen.table)
            for line in sys.stdin:
                if line.strip():
                    print(_line(door.answer(line)), flush=True)
    except SandboxError as error:
        print(words.say(error.denied, chosen.lang), file=sys.stderr)
        return 2
    except (OSError, ValueError, RecursionError) as error:  # of the files we were given; their text is not repeated
        print(type(error).__name__, file=sys.stderr)
        return 2
    return 0


def _speak_utf8() -> None:
    """Whatever the machine's language: JSON lines are UTF-8, and one broken byte is the matter of its own line."""
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")


def _policy(path: str) -> Policy:
    try:
        document = strict.document(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise PolicyRefused("POLICY_UNREADABLE") from error
    return Policy.from_json(document)


def _probe() -> int:
    """A line for each tier that can be had without a virtual machine: what was tried there and not stopped."""
    for tier in (0, 1, 2):
        found = launch.trial(tier)
        open_ = [act for act, stopped in {**found.walls, **found.acts}.items() if not stopped]
        print(json.dumps({"tier": tier, "reached": found.tier == tier, "not_stopped": open_, "why": found.why}))
    return 0


def _receipt(chosen: argparse.Namespace) -> int:
    """Print the claims of a receipt that holds."""
    key = receipt.from_jwk(json.loads(Path(chosen.key).read_text(encoding="utf-8")))
    claims = receipt.check(Path(chosen.file).read_text(encoding="utf-8"), key)
    if chosen.answer is not None:
        answer = json.loads(Path(chosen.answer).read_text(encoding="utf-8"))
        if not isinstance(answer, Mapping) or not {"columns", "rows"} <= answer.keys():
            raise SandboxError("RECEIPT_ANSWER")
        receipt.of_answer(claims, answer["columns"], answer["rows"])
    print(json.dumps(claims, ensure_ascii=False, indent=2))
    return 0


class Door:
    """One policy, perhaps one snapshot, the number of questions left to this run, and what it has been asked."""

    def __init__(self, policy: Policy, lang: str) -> None:
        self.policy, self.lang = policy, lang
        self.left, self.epsilon_left = policy.budgets.queries_total, policy.budgets.epsilon_total_micro
        self.asked: dict[str, Region] = {}
        self.tables: dict[str, Released] = {}
        self.runner: Runner | None = None
        self.file = Path()

    def open(self, stack: ExitStack, table: str) -> None:
        """Protect the file before anything is asked of it."""
        name, _, source = table.partition("=")
        if name.lower() != self.policy.table.lower() or not source:
            raise SandboxError("T1", table=self.policy.table)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sandbox-"))
        self.file = snapshot.build(source, self.policy, Path(folder) / "snapshot.parquet").path
        # The provider runs this door over its own data: nobody to hide the clock from.
        self.runner = stack.enter_context(Runner(time_buckets=()))

    def answer(self, line: str) -> dict[str, Any]:
        """The verdict on one line."""
        try:
            asked = strict.document(line)
            sql, given = _asked(asked), asked.get("context")
        except (SandboxError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return self._denied(None, Denied("S0", {"position": 0}))
        if not isinstance(sql, str):
            return self._denied(asked.get("id"), Denied("S0", {"position": 0}))
        refused = next(circumstances.judge(self.policy, given, datetime.now(UTC)), None)
        if refused is not None:
            return self._denied(asked.get("id"), refused)
        accepted = query.check(sql, self.policy)
        if isinstance(accepted, Denied):
            return self._denied(asked.get("id"), accepted)
        return self._asked(asked.get("id"), accepted)

    def _asked(self, name: object, accepted: Accepted) -> dict[str, Any]:
        """What the gate has passed: repeated (N1), too close to an earlier question (D1), or new. The gate alone has
        answered nothing that could be subtracted: there D1 only says what would stand beside what."""
        if accepted.statistic in self.asked:
            return self._told(name, accepted, Denied("N1"))
        region = overlap.region(accepted.question, self.policy)
        close = overlap.judge(region, self.asked.values(), self.policy)
        near = None
        if close is not None:
            near = Denied("D1", {"column": close.column, "parts": close.parts})
            if close.narrow and self.runner is not None:
                return self._denied(name, near)
        refused = None if self.runner is None else self._run(self.runner, accepted)
        if refused is not None:
            return self._denied(name, refused)
        self.asked[accepted.statistic] = region
        return self._told(name, accepted, near)

    def _run(self, runner: Runner, accepted: Accepted) -> Denied | None:
        if self.left < 1:
            return Denied("B1", {"limit": self.policy.budgets.queries_total, "left": 0})
        if accepted.epsilon_micro > self.epsilon_left:
            limit = self.policy.budgets.epsilon_total_micro
            return Denied("B3", {"cost": accepted.epsilon_micro, "left": self.epsilon_left, "limit": limit})
        # Paid before the engine starts, and never given back: whether it fails may depend on the data.
        self.left -= 1
        self.epsilon_left -= accepted.epsilon_micro
        outcome = runner.run_accepted(self.policy, self.file, accepted)
        if isinstance(outcome, Denied):
            return outcome
        self.tables[accepted.statistic] = outcome.released
        return None

    def _told(self, name: object, accepted: Accepted, near: Denied | None) -> dict[str, Any]:
        limited = near or (None if accepted.limited is None else Denied(accepted.limited))
        if self.runner is None:
            return self._allowed(name, limited)
        answer = shape_released(self.policy, self.tables[accepted.statistic], accepted)
        cut = Denied("K1") if answer.suppressed else Denied("O1") if answer.truncated else limited
        return {**self._allowed(name, cut), **self._shown(answer)}

    def _allowed(self, name: object, limited: Denied | None) -> dict[str, Any]:
        if limited is None:
            return {"id": name, "verdict": "allow", "code": None, "reason": ""}
        return {"id": name, "verdict": "limit", "code": limited.code, "reason": words.say(limited, self.lang)}

    def _shown(self, answer: Answer) -> dict[str, Any]:
        shown = {
            "columns": answer.columns,
            "rows": answer.rows,
            "suppressed": answer.suppressed,
            "truncated": answer.truncated,
            "budget_left": self._left(),
            "receipt": dict(answer.receipt),
        }
        return shown | ({"half_widths": answer.half_widths} if answer.half_widths else {})

    def _left(self) -> dict[str, int]:
        noisy = {"epsilon_micro": self.epsilon_left} if privacy.on(self.policy) else {}
        return {"queries": self.left, **noisy}

    def _denied(self, name: object, denied: Denied) -> dict[str, Any]:
        answer: dict[str, Any] = {"id": name, "verdict": "deny", "code": denied.code}
        answer |= {"reason": words.say(denied, self.lang), "fix": words.fix(denied, self.lang)}
        if self.runner is not None:
            answer |= {"columns": [], "rows": [], "budget_left": self._left()}
        return answer | ({"position": denied.facts["position"]} if "position" in denied.facts else {})


def _asked(line: Mapping[str, Any]) -> object:
    """The text of a line: SQL, or in mode `template` the name and the values, which may be keys of the line itself."""
    if "template" not in line or "sql" in line:
        return line["sql"]
    return json.dumps({key: line[key] for key in ("template", "parameters") if key in line})


def _line(answer: Mapping[str, Any]) -> str:
    """One line of JSON; half a character in a name that was given back stands as the escape it came as."""
    text = json.dumps(answer, ensure_ascii=False, default=_plain)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(answer, default=_plain)
    return text


def _plain(value: object) -> int | float | str:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__.splitlines()[0] if __doc__ else "")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("check", "judge queries by the policy alone"), ("run", "answer queries over one file")):
        command = commands.add_parser(name, help=text)
        command.add_argument("--policy", required=True, help="policy JSON file")
        command.add_argument("--lang", choices=("vi", "en"), default="en", help="language of the reasons")
        if name == "run":
            command.add_argument("--table", required=True, help="NAME=FILE (parquet, csv, jsonl)")
    commands.add_parser("probe", help="try which tiers of isolation this machine reaches")
    checked = commands.add_parser("receipt", help="check the signed receipt of an answer, offline")
    checked.add_argument("file", help="the receipt, as the test room gave it")
    checked.add_argument("--key", required=True, help="the public key of who ran the question, a JWK file")
    checked.add_argument("--answer", help="the answer with its columns and rows, a JSON file")
    checked.add_argument("--lang", choices=("vi", "en"), default="en", help="language of the reasons")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
