"""The contract on paper: one PDF/A-3a file with the prose in both languages and the signed JSON attached.

What is printed is exactly `text.plain` in Vietnamese, then in English: the text whose digests the document holds. The
attachment `contract.json` is the payload, byte for byte, as the associated file that the pages were made from
(AFRelationship Source, ISO 19005-3 section 6.8). So whoever signs the file signs both.

The same contract gives the same bytes: dates are those of the contract, the file's /ID is its digest. They may change
with the version of the libraries, and with the edition of the text; nothing here is needed to verify a signature.

An adapter: nothing imports this file at module level. fpdf2 draws; Be Vietnam Pro comes from its package.
"""

from __future__ import annotations

from contracts import text
from contracts.document import prose_digests
from contracts.parts import Contract
from contracts.sheets import Paper, Sheets
from contracts.spelling import LANGUAGES

ATTACHMENT = "contract.json"
_FIRST = {
    "vi": "Bản tiếng Việt, có giá trị quyết định",
    "en": "English version; the Vietnamese text prevails",
}
_ROLES = {
    "provider": "Bên bán / Seller",
    "consumer": "Bên mua / Buyer",
    "operator": "Đơn vị vận hành / Operator",
}


def make(contract: Contract) -> bytes:
    """The contract as a PDF."""
    sheets = Sheets(_paper(contract))
    for lang in LANGUAGES:
        sheets.begin(lang)
        heading, *blocks = text.plain(contract, lang).strip("\n").split("\n\n")
        _print_heading(sheets, heading, lang)
        for block in blocks:
            title, _, body = block.partition("\n")
            sheets.paragraph(title, tag="H2", style="B", size=10.5, above=3.4, keep=11)
            for line in body.split("\n"):
                sheets.item(line) if line.startswith("- ") else sheets.paragraph(line)
    sheets.begin(LANGUAGES[0])
    _print_annex(sheets, contract)
    return sheets.drawn()


def _paper(contract: Contract) -> Paper:
    return Paper(
        title=f"Hợp đồng {contract.id}", mark=f"{contract.id} · {contract.hash}", digest=contract.hash,
        created=contract.created, attachment=ATTACHMENT, data=contract.payload,
        description=f"Contract {contract.id}, {contract.hash}",
    )  # fmt: skip


def _print_heading(sheets: Sheets, heading: str, lang: str) -> None:
    """The title and the contract's number, as they open the prose."""
    title, _, number = heading.partition("\n")
    sheets.paragraph(title, tag="H1", style="B", size=15, above=2)
    sheets.paragraph(number, style="B", size=10.5)
    sheets.paragraph(_FIRST[lang], size=8.5, quiet=True)


def _print_annex(sheets: Sheets, contract: Contract) -> None:
    """What a reader of the paper needs to find the file behind it: digests and keys. Nothing here is a clause."""
    sheets.paragraph("Mã nhận dạng / Identifiers", tag="H1", style="B", size=15, above=2)
    sheets.paragraph(
        f"Tệp {ATTACHMENT} đính kèm trong tài liệu này là văn bản được ký; lời văn ở các trang trước được lập từ tệp "
        f"đó. / The attached file {ATTACHMENT} is what is signed; the prose before was made from it.",
        quiet=True,
    )
    first = [("Số / Number", contract.id), ("Mã băm / Digest", contract.hash)]
    first += [(f"Lời văn / Prose ({one['lang']}, {one['edition']})", one["sha256"]) for one in prose_digests(contract)]
    if contract.log:
        first.append(("Nhật ký / Log", f"{contract.log.origin}\n{contract.log.size} · {contract.log.root}"))
    sheets.facts("Hợp đồng / Contract", first)
    for party in contract.parties:
        rows = [("Tên / Name", party.name), ("Mã tổ chức / Organisation", party.org_id)]
        rows += [("Mã số thuế / Tax code", party.tax_code)] if party.tax_code else []
        rows += [("" if n else "Khóa ký / Signing keys", key) for n, key in enumerate(party.keys or ("—",))]
        sheets.facts(_ROLES[party.role], rows)
    for asset in contract.assets:
        sheets.facts(
            "Tệp dữ liệu / Data file",
            [
                ("Tên / Name", asset.name),
                ("Niêm yết / Listing", f"{asset.listing_id}, {asset.version}"),
                ("Số dòng / Rows", str(asset.rows)),
                ("Mã băm / Digest", asset.sha256),
                ("Cấu trúc / Schema", asset.schema_sha256),
            ],
        )
