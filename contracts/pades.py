"""Signatures inside the contract's PDF: PAdES-B-B and B-T (ETSI EN 319 142-1), made here and opened from anywhere.

Each party signs the whole file as the other left it; a signature is an incremental update (ISO 32000-2 section 7.5.6),
so both stand on the same first revision: the pages and the attached `contract.json`. What counts is the attachment,
byte for byte the contract's payload; every signature covers it.

`open_signatures` accepts a file only where

    every signature   is ETSI.CAdES.detached, covers its revision from the first byte to the last, leaving out nothing
                      but itself, and is a CAdES signature that `cades.open_signature` accepts over those bytes
    after each        come only further signatures, and what archives them (time-stamps, revocation data)
    the attachment    is one, named contract.json, equal to the payload, in every signed revision

so that a file which was changed, cut, saved anew, or made to show something else after signing (shadow attacks) is
refused. A stranger's file is read within LIMITS; what the pages show is for `check_pages`, when the file is handed in.

An adapter: nothing imports this file at module level. pyHanko reads the file and judges its updates.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodeLimits, DocumentDecodeBudget, StreamDecodeLimits
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import (
    CatalogModificationRule,
    DocInfoRule,
    DSSCompareRule,
    FormUpdatingRule,
    MetadataUpdateRule,
    ModificationLevel,
    ObjectStreamRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
    SuspiciousModification,
    XrefStreamRule,
)
from pyhanko.sign.fields import InvisSigSettings, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import PdfSignedData
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from contracts import cades, page
from contracts.certificates import Sealed
from contracts.document import parse
from contracts.errors import ContractsError
from contracts.keys import SignatureError

MAX_FILE = 2**20  # bytes; a contract of seven pages has 75,000, a signature with its chain up to 40,000
MAX_PAGES = 100
MAX_OBJECTS = 5_000
MAX_REVISIONS = 12  # two signatures, each with a time-stamp and archived revocation data
MAX_SIGNATURES = 6
_ROOM, _STAMP_ROOM = 2_048, 16_384  # bytes kept free for one signature beside its chain, and for a time-stamp
LIMITS = DecodeLimits(
    per_stream=StreamDecodeLimits(max_output_size=4 * 2**20),
    document_budget=DocumentDecodeBudget(base_allowance=32 * 2**20, max_ratio=1),
)
SUBFILTER = SigSeedSubFilter.PADES
# Cross-reference streams and hybrids, however the name is spelt (ISO 32000-1 section 7.3.5). We write tables, and so
# does who updates our file; pyHanko 0.38 counts for hours through a stream whose entries have no bytes.
_XREF = re.compile(rb"/(?:X|#58)(?:R|#52)(?:e|#65)(?:f|#66)")
_LATER = StandardDiffPolicy(  # pyHanko's own, without filling in other fields
    global_rules=[
        CatalogModificationRule(),  # type: ignore[no-untyped-call]
        *(
            rule.as_qualified(ModificationLevel.LTA_UPDATES)
            for rule in (
                *(DocInfoRule(), XrefStreamRule(), ObjectStreamRule(), DSSCompareRule()),
                MetadataUpdateRule(),  # type: ignore[no-untyped-call]
            )
        ),
    ],
    form_rule=FormUpdatingRule(
        field_rules=[SigFieldCreationRule(), SigFieldModificationRule()]  # type: ignore[no-untyped-call]
    ),
)
# Whatever a malformed file makes a reader of it raise; RuntimeError holds endless recursion.
_UNREADABLE = (
    *(PdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, OverflowError),
    *(ArithmeticError, RuntimeError, StopIteration, zlib.error, struct.error),
)


def sign(pdf: bytes, chain: cades.Chain, make: cades.Make, *, now: datetime, stamp: cades.Stamp | None = None) -> bytes:
    """The PDF with one signature more: PAdES-B-B, or B-T with a time-stamp over it.

    `chain` is DER, the signer's certificate first; `make` signs with its key, wherever that is kept (`cades.local`).
    """
    digest = cades.digest_name(chain[0])
    try:
        writer = IncrementalPdfFileWriter(BytesIO(pdf))
        field = SigFieldSpec(f"Signature{len(writer.prev.embedded_signatures) + 1}", invis_sig_settings=_UNSEEN)
        steps = PdfCMSEmbedder(field).write_cms(field.sig_field_name, writer)
        next(steps)
        size = _ROOM + sum(map(len, chain)) + (_STAMP_ROOM if stamp else 0)
        hole = PdfSignedData(generic.pdf_name("/Sig"), SUBFILTER, timestamp=now, bytes_reserved=2 * size)
        steps.send(SigObjSetup(sig_placeholder=hole))
        prepared, output = steps.send(SigIOSetup(md_algorithm=digest))
        attributes = cades.to_sign(prepared.document_digest, chain[0], now=None)  # the time stands in the PDF, as /M
        steps.send(cades.seal(attributes, chain, make, stamp=stamp))
        return bytes(output.getvalue())
    except _UNREADABLE as error:
        raise SignatureError("PDF_MALFORMED", reason=_reason(error)) from None


_UNSEEN = InvisSigSettings(set_print_flag=True, set_hidden_flag=False)


def open_signatures(pdf: bytes, payload: bytes) -> tuple[Sealed, ...]:
    """Every party's signature in the file, in the order in which they were made; raises SignatureError."""
    _check_size(pdf)
    try:
        reader = PdfFileReader(BytesIO(pdf), strict=True, decode_limits=LIMITS)
        _check_limits(reader)
        found = reader.embedded_regular_signatures
        if not found:
            raise SignatureError("PDF_UNSIGNED")
        if len(reader.embedded_signatures) > MAX_SIGNATURES:
            raise _too_large("signatures", len(reader.embedded_signatures), MAX_SIGNATURES)
        return tuple(_open(pdf, signature, payload) for signature in found)
    except _UNREADABLE as error:
        raise SignatureError("PDF_MALFORMED", reason=_reason(error)) from None


def attached(pdf: bytes) -> bytes:
    """The contract's payload as the file carries it, signed or not; raises SignatureError."""
    _check_size(pdf)
    try:
        reader = PdfFileReader(BytesIO(pdf), strict=True, decode_limits=LIMITS)
        _check_limits(reader)
        return _payload(reader.root)
    except _UNREADABLE as error:
        raise SignatureError("PDF_MALFORMED", reason=_reason(error)) from None


def check_pages(pdf: bytes, payload: bytes) -> None:
    """The file is the one that the exchange prints for this contract, with signatures; raises PDF_OTHER_PAGES.

    For the moment when a file is handed in: with a newer version of the libraries the same pages may be other bytes.
    """
    _check_size(pdf)
    if not pdf.startswith(page.make(parse(payload))):
        raise SignatureError("PDF_OTHER_PAGES", reason="")
    try:
        later = _LATER.review_file(PdfFileReader(BytesIO(pdf), decode_limits=LIMITS), 0)
    except _UNREADABLE as error:
        raise SignatureError("PDF_MALFORMED", reason=_reason(error)) from None
    if isinstance(later, SuspiciousModification):
        raise SignatureError("PDF_OTHER_PAGES", reason=_reason(later))


def _check_size(pdf: bytes) -> None:
    """What can be said before anything is parsed."""
    if not 0 < len(pdf) <= MAX_FILE:
        raise SignatureError("FILE_TOO_LARGE", value=len(pdf), limit=MAX_FILE)
    if not pdf.startswith(b"%PDF-") or not pdf.rstrip(b"\r\n").endswith(b"%%EOF"):
        raise SignatureError("PDF_MALFORMED", reason="%PDF- ... %%EOF")
    if _XREF.search(pdf):
        raise SignatureError("PDF_MALFORMED", reason="/XRef")
    for what, limit in ((b"startxref", MAX_REVISIONS), (b" obj", MAX_OBJECTS)):
        if (count := pdf.count(what)) > limit:
            raise _too_large(what.decode().strip(), count, limit)


def _check_limits(reader: PdfFileReader) -> None:
    if reader.encrypted:
        raise SignatureError("PDF_MALFORMED", reason="/Encrypt")
    size, pages = int(reader.trailer["/Size"]), int(reader.root["/Pages"]["/Count"])
    for what, count, limit in (("objects", size, MAX_OBJECTS), ("pages", pages, MAX_PAGES)):
        if count > limit:
            raise _too_large(what, count, limit)


def _open(pdf: bytes, signature: EmbeddedPdfSignature, payload: bytes) -> Sealed:
    """One signature with everything that is asked of it."""
    field = str(signature.field_name)[:80]
    if signature.sig_object.get("/SubFilter") != SUBFILTER.value:
        raise SignatureError("PDF_SIGNATURE_REFUSED", field=field, reason="SubFilter", passes=SUBFILTER.value[1:])
    sealed = _open_cms(pdf, signature, field)
    _check_updates(signature, field)
    _check_attachment(signature, payload)
    return Sealed(sealed.chain, sealed.claimed_at or _stated(signature), sealed.alg)


def _open_cms(pdf: bytes, signature: EmbeddedPdfSignature, field: str) -> Sealed:
    """The signature over all of its revision but the hole in which it stands itself."""
    first, before, after, length = (int(number) for number in signature.byte_range)
    if first != 0 or not 0 < before < after or length < 0 or after + length > len(pdf):
        raise SignatureError("PDF_NOT_COVERED", field=field)
    hole = pdf[before:after]
    if hole[:1] != b"<" or hole[-1:] != b">" or len(hole) > 2 * cades.MAX_FILE + 2:
        raise SignatureError("PDF_NOT_COVERED", field=field)
    padded = bytes.fromhex(hole[1:-1].decode("ascii"))
    if padded != signature.pkcs7_content:
        raise SignatureError("PDF_NOT_COVERED", field=field)
    size = _der_size(padded)
    if any(padded[size:]):
        raise SignatureError("CMS_MALFORMED", reason="padding")
    try:
        return cades.open_signature(padded[:size], pdf[:before] + pdf[after : after + length])
    except SignatureError as error:
        if error.code != "CMS_OTHER_CONTENT":
            raise
        raise SignatureError("PDF_CHANGED", field=field, reason="digest") from None


def _der_size(padded: bytes) -> int:
    """How many of these bytes are the first element; the rest only fills the room that was kept."""
    if padded[1] < 0x80:
        return 2 + padded[1]
    more = padded[1] & 0x7F
    return 2 + more + int.from_bytes(padded[2 : 2 + more], "big")


def _check_updates(signature: EmbeddedPdfSignature, field: str) -> None:
    """What pyHanko says of coverage, and of what was appended after the signature."""
    signature.compute_integrity_info(diff_policy=_LATER)  # type: ignore[no-untyped-call]
    told = signature.summarise_integrity_info()
    if told["coverage"] < SignatureCoverageLevel.ENTIRE_REVISION:
        raise SignatureError("PDF_NOT_COVERED", field=field)
    later = told["diff_result"]
    if isinstance(later, SuspiciousModification) or not told["docmdp_ok"]:
        raise SignatureError("PDF_CHANGED", field=field, reason=_reason(later))


def _check_attachment(signature: EmbeddedPdfSignature, payload: bytes) -> None:
    """The signed revision, and the newest one, hold exactly one attachment: the payload."""
    reader = signature.reader
    for root in (reader.get_historical_root(signature.signed_revision), reader.root):
        if _payload(root) != payload:
            raise SignatureError("PDF_OTHER_CONTRACT", reason=page.ATTACHMENT)


def _payload(root: Any) -> bytes:
    found = list(_attachments(root))
    names = [name for name, _ in found]
    if names != [page.ATTACHMENT]:
        raise SignatureError("PDF_OTHER_CONTRACT", reason=", ".join(names)[:80] or "—")
    return found[0][1]


def _attachments(root: Any) -> Iterator[tuple[str, bytes]]:
    """Name and content of each embedded file; the name tree is flat (ISO 32000-1 section 7.9.6), as we write it."""
    names = root.get("/Names", {}).get("/EmbeddedFiles", {})
    if "/Kids" in names or len(names.get("/Names", ())) > 16:
        raise SignatureError("PDF_OTHER_CONTRACT", reason="/EmbeddedFiles")
    pairs = list(names.get("/Names", ()))
    for name, specification in zip(pairs[::2], pairs[1::2], strict=True):
        files = specification.get_object()["/EF"]
        if set(files) - {"/F", "/UF"} or len({files.raw_get(key).reference for key in files}) != 1:
            raise SignatureError("PDF_OTHER_CONTRACT", reason="/EF")
        yield str(name), bytes(files["/F"].data)


def _stated(signature: EmbeddedPdfSignature) -> datetime | None:
    """When it was made, by the signer's own clock: /M of the signature, if it names its zone."""
    moment = signature.self_reported_timestamp
    return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None


def _too_large(what: str, count: int, limit: int) -> ContractsError:
    return SignatureError("PDF_TOO_LARGE", reason=what, value=count, limit=limit)


def _reason(error: BaseException) -> str:
    """A reader's own words, in one line."""
    return " ".join(f"{type(error).__name__} {error}".split())[:120]
