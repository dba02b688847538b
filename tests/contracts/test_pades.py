"""The contract's PDF signed by its parties; what was changed, cut, saved anew or made to show something else."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.embed import EmbeddedFileObject, FileSpec, embed_file
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pypdf import PdfReader, PdfWriter

from contracts import cades, forms, pades, page
from contracts.certificates import Sealed, Trust, check_chain, thumbprint
from contracts.errors import ContractsError
from contracts.keys import SignatureError
from contracts.words import say
from tests.contracts.authority import Authority, Certified, named
from tests.contracts.examples import NOW, consumer, make_contract, provider

SIGNED_AT = NOW + timedelta(minutes=3)
ROOT = Authority.root("Root", NOW)
BETWEEN = ROOT.under("Between", NOW)


@cache
def signer(name: str, alg: str) -> Certified:
    return BETWEEN.certify(named(name), NOW, alg=alg)


SELLER, BUYER = signer("Seller", "ES256"), signer("Buyer", "RS256")
CONTRACT = make_contract(
    parties=(provider(keys=(thumbprint(SELLER.der),)), consumer(keys=(thumbprint(BUYER.der),)))
)  # fmt: skip
PAYLOAD = CONTRACT.payload


@cache
def unsigned() -> bytes:
    return page.make(CONTRACT)


def signed_by(who: Certified, pdf: bytes) -> bytes:
    return pades.sign(pdf, who.chain, cades.local(who.key), now=SIGNED_AT)


@cache
def once() -> bytes:
    return signed_by(SELLER, unsigned())


@cache
def twice() -> bytes:
    return signed_by(BUYER, once())


def refused(pdf: bytes, payload: bytes = PAYLOAD) -> SignatureError:
    with pytest.raises(SignatureError) as caught:
        pades.open_signatures(pdf, payload)
    assert caught.value.code not in say(caught.value.code, caught.value.facts, "vi"), "a code without words"
    return caught.value


# -- what holds


def test_both_parties_sign_one_file() -> None:
    assert twice().startswith(once())
    assert once().startswith(unsigned())
    one, two = pades.open_signatures(twice(), PAYLOAD)
    assert one == Sealed(SELLER.chain, SIGNED_AT, "ES256")
    assert two == Sealed(BUYER.chain, SIGNED_AT, "RS256")
    lists = [BETWEEN.crl(NOW), ROOT.crl(NOW)]
    assert check_chain(two.chain, Trust(licensed=(ROOT.der,)), SIGNED_AT, lists).grade == "licensed"


@pytest.mark.parametrize("alg", ["Ed25519", "ES256", "RS256"])
def test_each_kind_of_key_signs(alg: str) -> None:
    (sealed,) = pades.open_signatures(signed_by(signer(alg, alg), unsigned()), PAYLOAD)
    assert sealed.alg == alg


def test_each_side_finds_its_own_signature() -> None:
    for org in ("org-1", "org-2"):
        assert forms.check_file("pades", twice(), CONTRACT, at=SIGNED_AT, org_id=org).org_id == org


def test_the_pages_are_those_that_the_exchange_prints() -> None:
    pades.check_pages(twice(), PAYLOAD)
    with pytest.raises(SignatureError, match="PDF_OTHER_PAGES"):
        pades.check_pages(twice(), make_contract(id="c-2").payload)


def test_a_file_that_another_tool_saved_before_it_was_signed_opens_but_shows_other_pages() -> None:
    saved = signed_by(SELLER, saved_anew(unsigned()))
    assert pades.open_signatures(saved, PAYLOAD)[0].chain == SELLER.chain
    with pytest.raises(SignatureError, match="PDF_OTHER_PAGES"):
        pades.check_pages(saved, PAYLOAD)


# -- what does not


def saved_anew(pdf: bytes) -> bytes:
    writer, out = PdfWriter(clone_from=PdfReader(BytesIO(pdf))), BytesIO()
    writer.write(out)
    return out.getvalue()


def updated(pdf: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    """With one more revision appended, as a shadow attack does it."""
    writer, out = IncrementalPdfFileWriter(BytesIO(pdf)), BytesIO()
    change(writer)
    writer.write(out)
    return out.getvalue()


def other_page(writer: IncrementalPdfFileWriter) -> None:
    """The first page says something else."""
    sheet = writer.root["/Pages"]["/Kids"][0]
    sheet["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"BT (free of charge) Tj ET"))
    writer.update_container(sheet)


def cover(writer: IncrementalPdfFileWriter) -> None:
    """An annotation hides what is below it."""
    sheet = writer.root["/Pages"]["/Kids"][0]
    note = generic.DictionaryObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/FreeText"),
            generic.pdf_name("/Rect"): generic.ArrayObject(map(generic.NumberObject, (0, 0, 600, 800))),
            generic.pdf_name("/Contents"): generic.pdf_string("0 đồng"),
        }
    )
    sheet["/Annots"] = generic.ArrayObject([*sheet.get("/Annots", ()), writer.add_object(note)])
    writer.update_container(sheet)


def other_attachment(writer: IncrementalPdfFileWriter) -> None:
    """contract.json becomes another contract."""
    specification = writer.root["/Names"]["/EmbeddedFiles"]["/Names"][1].get_object()
    other = writer.add_object(generic.StreamObject(stream_data=make_contract().payload))
    specification["/EF"] = generic.DictionaryObject({generic.pdf_name("/F"): other})
    writer.update_container(specification)


def one_more_attachment(writer: IncrementalPdfFileWriter) -> None:
    data = EmbeddedFileObject.from_file_data(writer, data=b"{}", mime_type="application/json")
    embed_file(writer, FileSpec("a.json", embedded_data=data))


def other_catalogue(writer: IncrementalPdfFileWriter) -> None:
    """A script that runs when the file is opened."""
    writer.root["/OpenAction"] = generic.DictionaryObject(
        {generic.pdf_name("/S"): generic.pdf_name("/JavaScript"), generic.pdf_name("/JS"): generic.pdf_string("1")}
    )
    writer.update_root()


def other_field(writer: IncrementalPdfFileWriter) -> None:
    """A text field beside the signatures."""
    field = generic.DictionaryObject(
        {
            generic.pdf_name("/FT"): generic.pdf_name("/Tx"),
            generic.pdf_name("/T"): generic.pdf_string("price"),
            generic.pdf_name("/V"): generic.pdf_string("0"),
        }
    )
    form = writer.root["/AcroForm"]
    form["/Fields"] = generic.ArrayObject([*form["/Fields"], writer.add_object(field)])
    writer.update_container(form)


CHANGES = [other_page, cover, other_attachment, one_more_attachment, other_catalogue, other_field]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("pdf", [once, twice], ids=lambda pdf: pdf.__name__)
def test_nothing_but_signatures_may_be_appended(change: Callable[..., None], pdf: Callable[[], bytes]) -> None:
    problem = refused(updated(pdf(), change))
    assert problem.code == "PDF_CHANGED"
    assert problem.facts["field"] == "Signature1"


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_who_signs_second_cannot_change_what_the_first_signed(change: Callable[..., None]) -> None:
    """The change lies between the signatures: the second covers it, the first is not about it."""
    assert refused(signed_by(BUYER, updated(once(), change))).code == "PDF_CHANGED"


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_was_added_to_our_pages_before_signing_is_seen(change: Callable[..., None]) -> None:
    with pytest.raises(SignatureError, match="PDF_OTHER_PAGES"):
        pades.check_pages(signed_by(SELLER, updated(unsigned(), change)), PAYLOAD)


def test_a_file_saved_anew_after_signing_is_refused() -> None:
    assert refused(saved_anew(twice())).code in ("PDF_NOT_COVERED", "PDF_CHANGED")


def test_no_file_cut_short_is_taken_for_the_whole() -> None:
    ends = [at + 6 for at in range(len(twice())) if twice().startswith(b"%%EOF\n", at)]
    for at in [*range(len(unsigned()) + 1, len(twice()), 997), len(once()) - 40, len(twice()) - 3]:
        if at not in ends:
            refused(twice()[:at])
    assert refused(unsigned()).code == "PDF_UNSIGNED"
    assert len(pades.open_signatures(once(), PAYLOAD)) == 1


def test_another_contract_is_refused_by_name() -> None:
    assert refused(twice(), make_contract().payload).code == "PDF_OTHER_CONTRACT"
    for change in (other_attachment, one_more_attachment):
        assert refused(signed_by(SELLER, updated(unsigned(), change))).code == "PDF_OTHER_CONTRACT"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"/SubFilter /ETSI.CAdES.detached", b"/SubFilter /adbe.pkcs7.detached", "PDF_SIGNATURE_REFUSED"),
        (b"/ByteRange [", b"/ByteRang3 [", "PDF_MALFORMED"),
        (b"/ByteRange [0 ", b"/ByteRange [1 ", "PDF_NOT_COVERED"),
        (b"/Type /Sig", b"/Type /Sog", None),
        (b"/Contents <", b"/Contentz <", "PDF_MALFORMED"),
        (b"/FT /Sig", b"/FT /Tx ", "PDF_UNSIGNED"),
    ],
)
def test_a_signature_made_to_look_otherwise_is_refused(old: bytes, new: bytes, code: str | None) -> None:
    head, tail = once()[: len(unsigned())], once()[len(unsigned()) :]
    assert old in tail
    problem = refused(head + tail.replace(old, new))
    assert code in (None, problem.code)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_changed_byte_opens_as_something_else(data: st.DataObject) -> None:
    """In the pages, the update or the signature: it is refused, or (in what no signature covers) says the same."""
    at = data.draw(st.integers(0, len(twice()) - 1) | st.integers(len(unsigned()), len(twice()) - 1))
    value = data.draw(st.integers(0, 255))
    changed = twice()[:at] + bytes([value]) + twice()[at + 1 :]
    try:
        opened = pades.open_signatures(changed, PAYLOAD)
    except ContractsError:
        return
    assert [(one.chain[0], one.alg, one.claimed_at) for one in opened] == [
        (SELLER.der, "ES256", SIGNED_AT), (BUYER.der, "RS256", SIGNED_AT),
    ]  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_garbage_of_any_kind_is_refused_in_bounded_time(data: st.DataObject) -> None:
    """Blocks copied, moved and struck out: a reader is led astray, and comes back with a reason."""
    pdf = bytearray(twice())
    for _ in range(data.draw(st.integers(1, 6))):
        a, b = sorted(data.draw(st.tuples(*[st.integers(0, len(pdf) - 1)] * 2)))
        to = data.draw(st.integers(len(unsigned()), len(pdf) - 1))
        pdf[to:to] = pdf[a : min(b, a + 400)]
    before = time.perf_counter()
    refused(bytes(pdf) + b"\n%%EOF\n")
    assert time.perf_counter() - before < 5


# -- limits


def ending(pdf: bytes, section: bytes) -> bytes:
    """With one more cross-reference section at the end."""
    return pdf + section + b"\nstartxref\n%d\n%%%%EOF\n" % len(pdf)


STREAM = b"999 0 obj\n<<%s /W [0 0 0] /Index [0 99999999999] /Size 9 /Length 0>>\nstream\n\nendstream\nendobj"
ENDLESS = {
    "a stream of entries without bytes": STREAM % b"/Type /XRef",
    "the same, spelt otherwise": STREAM % b"/Type /XR#65f",
    "a table of endless length": b"xref\n0 99999999999\n0000000000 65535 f \ntrailer\n<</Size 9>>",
    "an array without an end": b"xref\n0 1\n0000000000 65535 f \ntrailer\n<</Root " + b"[" * 400_000 + b">>",
    "a text without an end": b"xref\n0 1\n0000000000 65535 f \ntrailer\n<</Root " + b"(" * 400_000 + b">>",
    "a section that follows itself": b"xref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 9 /Prev %d>>" % len(unsigned()),
}


@pytest.mark.parametrize("section", ENDLESS.values(), ids=ENDLESS.keys())
def test_no_file_keeps_its_reader_busy(section: bytes) -> None:
    before = time.perf_counter()
    assert refused(ending(unsigned(), section)).code == "PDF_MALFORMED"
    assert time.perf_counter() - before < 5


def bomb(writer: IncrementalPdfFileWriter) -> None:
    """The attachment unpacks to a gigabyte: zeros, packed twice."""
    packed = zlib.compress(zlib.compress(b"\0" * 2**27, 9), 9)
    filters = generic.ArrayObject([generic.pdf_name("/FlateDecode")] * 2)
    stream = generic.StreamObject({generic.pdf_name("/Filter"): filters}, encoded_data=packed)
    specification = writer.root["/Names"]["/EmbeddedFiles"]["/Names"][1].get_object()
    specification["/EF"] = generic.DictionaryObject({generic.pdf_name("/F"): writer.add_object(stream)})
    writer.update_container(specification)


def test_what_unpacks_to_too_much_is_not_unpacked() -> None:
    problem = refused(signed_by(SELLER, updated(unsigned(), bomb)))
    assert problem.code == "PDF_MALFORMED"
    assert "PdfDecodeLimitError" in str(problem.facts["reason"])


def test_size_objects_revisions_and_signatures_are_limited() -> None:
    assert refused(b"%PDF-" + b"0" * pades.MAX_FILE + b"%%EOF").code == "FILE_TOO_LARGE"
    for part in (b"1 0 obj\n" * (pades.MAX_OBJECTS + 1), b"startxref\n" * (pades.MAX_REVISIONS + 1)):
        assert refused(b"%PDF-1.7\n" + part + b"%%EOF").code == "PDF_TOO_LARGE"
    many = unsigned()
    for _ in range(pades.MAX_SIGNATURES + 1):
        many = signed_by(SELLER, many)
    problem = refused(many)
    assert (problem.code, problem.facts["reason"]) == ("PDF_TOO_LARGE", "signatures")


@pytest.mark.parametrize("pdf", [b"", b"%PDF-1.7\n%%EOF", b"not a PDF %%EOF", b"%PDF-1.7\nstartxref\n0\n%%EOF\n"])
def test_what_is_no_pdf_is_refused(pdf: bytes) -> None:
    assert refused(pdf).code in ("PDF_MALFORMED", "FILE_TOO_LARGE")


def test_what_is_no_pdf_cannot_be_signed() -> None:
    with pytest.raises(SignatureError, match="PDF_MALFORMED"):
        signed_by(SELLER, b"%PDF-1.7\nstartxref\n0\n%%EOF\n")
