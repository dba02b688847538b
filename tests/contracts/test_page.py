"""The contract on paper, read back by a library and by programs that did not write it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from contracts import page, text
from tests.contracts.examples import PROVIDER_KEY as KEY
from tests.contracts.examples import asset, kid, make_contract, make_terms, provider


@pytest.fixture(scope="module")
def made() -> bytes:
    return page.make(make_contract())


@pytest.fixture
def read(made: bytes) -> PdfReader:
    return PdfReader(BytesIO(made), strict=True)


def body_of(reader: PdfReader) -> str:
    """What stands on the pages without their footers."""
    pages = [one.extract_text().strip("\n").split("\n") for one in reader.pages]
    footers = ("Trang ", "Page ")
    return "\n".join(line for lines in pages for line in lines if not (line.startswith("c-1 ·") or line[:5] in footers))


def test_the_same_contract_gives_the_same_bytes(made: bytes) -> None:
    command = (
        "import sys; from contracts import page; from contracts.document import parse;"
        "sys.stdout.buffer.write(page.make(parse(sys.stdin.buffer.read())))"
    )
    again = subprocess.run(
        [sys.executable, "-c", command], input=make_contract().payload, capture_output=True, check=True, timeout=60,
        env={**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Ho_Chi_Minh"},
    )  # fmt: skip
    assert again.stdout == made
    assert page.make(make_contract(nonce=b"another nonce 16")) != made


def test_the_signed_json_is_attached_as_the_source_of_the_pages(read: PdfReader) -> None:
    assert read.attachments == {"contract.json": [make_contract().payload]}
    (associated,) = read.root_object["/AF"]
    assert associated.get_object()["/AFRelationship"] == "/Source"
    assert associated.get_object()["/EF"]["/F"]["/Subtype"] == "/application/json"


def test_every_word_of_the_prose_is_printed_in_its_order(read: PdfReader) -> None:
    printed = " ".join(body_of(read).split())
    for lang in ("vi", "en"):
        heading, clauses = text.plain(make_contract(), lang).split("\n\n", 1)
        assert " ".join(heading.split()) in printed
        assert " ".join(clauses.split()) in printed


def test_vietnamese_comes_first(read: PdfReader) -> None:
    printed = body_of(read)
    assert printed.index("HỢP ĐỒNG") < printed.index("CONTRACT FOR") < printed.index("Mã nhận dạng")
    assert read.root_object["/Lang"] == "vi"


def test_each_page_names_the_contract_its_digest_and_its_number(read: PdfReader) -> None:
    for number, one in enumerate(read.pages, 1):
        told = one.extract_text()
        assert f"c-1 · {make_contract().hash}" in told
        assert f"{number}/{len(read.pages)}" in told


def test_identity_and_dates_are_the_contracts(read: PdfReader) -> None:
    contract = make_contract()
    xmp = read.xmp_metadata
    assert xmp is not None
    assert xmp.xmp_modify_date == xmp.xmp_create_date == contract.created.replace(tzinfo=None)
    assert xmp.dc_identifier == contract.hash
    first, second = read.trailer["/ID"]
    assert first == second
    assert len(first) == 16


def test_what_the_file_says_of_itself_is_pdf_a_3a(made: bytes, read: PdfReader) -> None:
    """The outer signs of ISO 19005-3 level A; a whole validator is a foreign program."""
    assert b"<pdfaid:part>3</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in made
    (intent,) = read.root_object["/OutputIntents"]
    assert intent["/S"] == "/GTS_PDFA1"
    assert intent["/DestOutputProfile"].get_object().get_data()[36:40] == b"acsp"
    assert "/Encrypt" not in read.trailer
    fonts = {name: one for sheet in read.pages for name, one in sheet["/Resources"]["/Font"].items()}
    for one in fonts.values():
        descriptor = one["/DescendantFonts"][0]["/FontDescriptor"]
        assert "/FontFile2" in descriptor
        assert "/ToUnicode" in one


def test_the_reading_order_is_tagged(read: PdfReader) -> None:
    assert read.root_object["/MarkInfo"]["/Marked"]
    (document,) = read.root_object["/StructTreeRoot"]["/K"]
    kinds = [str(element["/S"]) for element in document["/K"]]
    assert kinds.count("/H1") == 3
    assert kinds.count("/H2") == 2 * 22 + 4  # the clauses, and the tables' captions
    assert set(kinds) == {"/H1", "/H2", "/P"}
    for number, sheet in enumerate(read.pages):
        marked = [element for element in document["/K"] if element["/Pg"] == sheet.indirect_reference]
        assert [list(element["/K"]) for element in marked] == [[n] for n in range(len(marked))], number


def test_characters_that_the_font_lacks_or_nobody_sees_are_spelt_out() -> None:
    terms = make_terms(purpose="Dự báo 中 và \u202eđảo")
    printed = body_of(PdfReader(BytesIO(page.make(make_contract(terms=terms)))))
    assert "Dự báo [U+4E2D] và [U+202E]đảo" in " ".join(printed.split())


def test_long_words_and_many_keys_stay_on_the_paper() -> None:
    keys = (kid(KEY), *(chr(65 + n // 26) + chr(65 + n % 26) + "k" * 41 for n in range(120)))
    contract = make_contract(
        parties=(provider(keys=keys, name="Ư" * 900), make_contract().parties[1]),
        terms=make_terms(scenario="x" * 1500),
        assets=(asset(name="y" * 300),),
    )
    reader = PdfReader(BytesIO(page.make(contract)))
    lowest: list[float] = []
    right: list[float] = []

    def note(content: str, _: Any, matrix: Any, *__: Any) -> None:
        if content.strip():
            lowest.append(matrix[5])
            right.append(matrix[4])

    printed = "".join(one.extract_text(visitor_text=note) for one in reader.pages)
    assert all(key in printed for key in keys)
    assert min(lowest) > 28  # points: ten millimetres from the edge
    assert max(right) < 595 - 28


@pytest.mark.skipif(shutil.which("qpdf") is None, reason="qpdf is not on this machine")
def test_qpdf_finds_nothing_wrong(made: bytes, tmp_path: Path) -> None:
    file = tmp_path / "contract.pdf"
    file.write_bytes(made)
    subprocess.run(["qpdf", "--check", str(file)], check=True, capture_output=True, timeout=30)


def test_no_part_of_the_core_needs_it() -> None:
    """Without fpdf2 and pyHanko everything else can be imported."""
    command = """if True:
        import pkgutil, sys
        for name in ("fpdf", "pyhanko", "asn1crypto"):
            sys.modules[name] = None
        import contracts, importlib
        for one in pkgutil.walk_packages(contracts.__path__, "contracts."):
            adapters = ("page", "sheets", "pades", "cades", "__main__")
            if one.name not in {f"contracts.{name}" for name in adapters}:
                importlib.import_module(one.name)
    """
    subprocess.run([sys.executable, "-c", command], check=True, timeout=60)
