"""The report as a PDF/A-3a file: Vietnamese first, then English, the data attached byte for byte as ``report.json``.

An adapter: nothing imports this file at module level (contracts/sheets.py needs fpdf2).
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from contracts import canonical
from contracts.sheets import Paper, Sheets
from contracts.spelling import LANGUAGES
from exchange.trials import report_words as words
from sandbox import words_report

ATTACHMENT = "report.json"
Document = Mapping[str, Any]


def make(payload: bytes, digest: str) -> bytes:
    """The pages; the same payload gives the same bytes."""
    document = json.loads(payload)
    sheets = Sheets(_paper(document, payload, digest))
    for lang in LANGUAGES:
        sheets.begin(lang)
        _head(sheets, document, digest, lang)
        _own_words(sheets, document, lang)
        _numbers(sheets, document, lang)
        _money(sheets, document, lang)
        _caps(sheets, document, lang)
        _incidents(sheets, document, lang)
        _deviations(sheets, document, lang)
        sheets.paragraph(words_report.LIABILITY.say(lang), above=4)
        _sources(sheets, document, lang)
    return sheets.drawn()


def _paper(document: Document, payload: bytes, digest: str) -> Paper:
    """The digest of a draft stands nowhere but in the file's own data."""
    title = words_report.TITLES[document["kind"]].vi
    name = digest or canonical.sha256_b64url(payload)
    shown = digest or words.TEXTS["draft"].vi
    return Paper(
        title=f"{title}, {document['trial']['cert_no']}", mark=f"{document['trial']['cert_no']} · {shown}",
        digest=name, created=datetime.fromtimestamp(document["made_ms"] // 1000, UTC), attachment=ATTACHMENT,
        data=payload, description=f"Report {name}",
    )  # fmt: skip


def _heading(sheets: Sheets, text: str) -> None:
    sheets.paragraph(text, tag="H2", style="B", size=10.5, above=4, keep=14)


def _head(sheets: Sheets, document: Document, digest: str, lang: str) -> None:
    trial, log = document["trial"], document["log"]
    sheets.paragraph(words_report.TITLES[document["kind"]].say(lang), tag="H1", style="B", size=15, above=2)
    period = f"{_day(document['period']['from'])} – {_day(document['period']['until'])}"
    sheets.paragraph(f"{words.say('period', lang)}: {period}", style="B", size=10.5)
    if not digest:
        sheets.paragraph(words.say("draft", lang), style="B")
    sheets.facts(
        words.say("trial", lang),
        [
            (words.say("cert_no", lang), trial["cert_no"]),
            (words.say("authority", lang), trial["authority"]),
            (words.say("level", lang), str(trial["level"])),
            (words.say("valid", lang), f"{_day(trial['valid_from'])} – {_day(trial['valid_to'])}"),
            (words.say("log", lang), f"{log['origin']}\n{words_report.number(log['size'], lang)} · {log['root']}"),
            (words.say("counted", lang), words_report.moment(document["made_ms"])),
        ],
    )
    if digest:
        submitted = words_report.moment(document["submitted_ms"])
        sheets.facts(
            words.say("signed_off", lang),
            [(words.say("submitted", lang), submitted), (words.say("digest", lang), digest)],
        )


def _own_words(sheets: Sheets, document: Document, lang: str) -> None:
    """The question and the measure as the certificate has them, and what the operator answers."""
    trial, operator = document["trial"], document["operator"]
    for heading, asked, answered in (
        ("question", trial["question"], operator["answer"]),
        ("measure", trial["measure"], operator["result"]),
        ("own_deviations", "", operator["deviations"]),
        ("remarks", "", operator["remarks"]),
    ):
        _heading(sheets, words.say(heading, lang))
        for line in asked.split("\n") if asked else ():
            sheets.paragraph(line, quiet=True)
        for line in (answered or words.say("none", lang)).split("\n"):
            sheets.paragraph(line)


def _numbers(sheets: Sheets, document: Document, lang: str) -> None:
    values = {number["name"]: number for number in document["numbers"]}
    for heading, names in words_report.GROUPS:
        rows = [(words_report.NAMES[name].say(lang), words.value_of(values[name], lang)) for name in names]
        sheets.facts(heading.say(lang), rows)


def _money(sheets: Sheets, document: Document, lang: str) -> None:
    money = document["money"]
    rows = [(words.say("total", lang), words.dong(money["vnd"], lang))]
    rows += [
        (
            words.sector(row["sector"], lang),
            f"{words.dong(row['vnd'], lang)} · {words.contracts(row['contracts'], lang)}",
        )
        for row in money["rows"]
    ]
    sheets.facts(words.say("money", lang), rows)


def _caps(sheets: Sheets, document: Document, lang: str) -> None:
    sheets.facts(
        words.say("caps", lang),
        [
            (words_report.CAPS[cap["cap"]].say(lang), words.used(cap["used"], cap["limit"], lang))
            for cap in document["caps"]
        ],
    )


def _incidents(sheets: Sheets, document: Document, lang: str) -> None:
    if not document["incidents"]:
        _heading(sheets, words.say("incidents", lang))
        sheets.paragraph(words.say("no_incidents", lang))
        return
    rows = [(one["id"], "\n".join(words.incident(one, lang))) for one in document["incidents"]]
    sheets.facts(words.say("incidents", lang), rows)


def _deviations(sheets: Sheets, document: Document, lang: str) -> None:
    _heading(sheets, words.say("deviations", lang))
    if not document["deviations"]:
        sheets.paragraph(words.say("no_deviations", lang))
    for found in document["deviations"]:
        place = "" if found["index"] is None else f" ({words.say('record', lang)} {found['index']})"
        sheets.item(f"- {words_report.deviation(found, lang)}{place}")


def _sources(sheets: Sheets, document: Document, lang: str) -> None:
    """Where each number comes from: enough to count again."""
    _heading(sheets, words.say("sources", lang))
    sheets.paragraph(words.say("how", lang), quiet=True)
    for number in document["numbers"]:
        name = words_report.NAMES[number["name"]].say(lang)
        sheets.paragraph(f"{name}: {words_report.source(number['records'], lang)}", size=8)
    money = words_report.source(document["money"]["records"], lang)
    sheets.paragraph(f"{words.say('money', lang)}: {money} {words_report.MONEY_SOURCE.say(lang)}", size=8)
    for cap in document["caps"]:
        more = f" {words_report.ON_TOP.say(lang)}" if "without" in cap["records"] else ""
        name = words_report.CAPS[cap["cap"]].say(lang)
        sheets.paragraph(f"{name}: {words_report.source(cap['records'], lang)}{more}", size=8)


def _day(day: str) -> str:
    return date.fromisoformat(day).strftime("%d/%m/%Y") if day else "—"
