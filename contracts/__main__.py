"""The regulator's command: python -m contracts verify FILE.zip, with --policy, --head, --tsa, --roots, --json,
--lang vi|en.

Exit 0 when everything that could be checked holds, 1 when something does not or a contract's signature could not be
checked here, 2 when a file could not be read.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from contracts import evidence
from contracts.errors import ContractsError
from contracts.evidence_words import LANGUAGES
from contracts.evidence_x509 import licensed_roots

_RESULT = {
    True: {"vi": "KẾT QUẢ: hồ sơ hợp lệ.", "en": "RESULT: the bundle holds."},
    False: {
        "vi": "KẾT QUẢ: hồ sơ KHÔNG hợp lệ; các bước sau không được kiểm tra.",
        "en": "RESULT: the bundle does NOT hold; what comes after was not checked.",
    },
}
_INCOMPLETE = {
    "vi": "KẾT QUẢ: CHƯA kiểm tra được mọi chữ ký; phần đã kiểm tra đều hợp lệ.",
    "en": "RESULT: NOT every signature could be checked; what was checked holds.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line per check, or one JSON document."""
    parser = argparse.ArgumentParser(prog="python -m contracts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    verify = commands.add_parser("verify", help="check an evidence bundle")
    verify.add_argument("file", type=Path)
    verify.add_argument("--policy", type=Path, help="whom you trust: a C2SP tlog-policy file from another source")
    verify.add_argument("--head", type=Path, help="a signed head of the log that you kept from an earlier day")
    verify.add_argument("--tsa", type=Path, help="certificates (PEM) of the time-stamping authorities that you trust")
    verify.add_argument("--roots", type=Path, help="root certificates (PEM) of the licensed authorities you trust")
    verify.add_argument("--json", action="store_true", help="the report for programs")
    verify.add_argument("--lang", choices=LANGUAGES, default="vi")
    given = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # some consoles would refuse Vietnamese otherwise
    try:
        policy = given.policy.read_text(encoding="utf-8") if given.policy else None
        saved = given.head.read_bytes() if given.head else None
        stamps = _stamp_checker(given.tsa) if given.tsa else None
        roots = licensed_roots(given.roots.read_bytes()) if given.roots else None
        report = evidence.check(
            given.file, policy, saved_head=saved, stamps=stamps, roots=roots, processes=os.cpu_count() or 1
        )
    except (OSError, UnicodeDecodeError, ContractsError) as error:
        print(error, file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(report.plain(), ensure_ascii=False, indent=1))
        return 0 if report.ok else 1
    for line in report.lines:
        print(line.say(given.lang))
    failed = any(not line.ok for line in report.lines)
    print((_INCOMPLETE if report.incomplete and not failed else _RESULT[report.ok])[given.lang])
    return 0 if report.ok else 1


def _stamp_checker(roots_file: Path) -> evidence.StampChecker:
    from contracts.log import timestamp  # late: only who checks stamps needs the package rfc3161-client

    roots = timestamp.parse_roots(roots_file.read_bytes())
    return lambda token, text: timestamp.check(token, text, roots).time.isoformat()


if __name__ == "__main__":
    sys.exit(main())
