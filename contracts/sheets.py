"""A4 pages of tagged text as one PDF/A-3a file with the data it was made from attached: contracts, reports of trials.

The attachment is the associated file that the pages were made from (AFRelationship Source, ISO 19005-3 section 6.8).
The same paper gives the same bytes: dates are the paper's, the file's /ID is the digest of what is attached. They may
change with the version of the libraries.

An adapter: nothing imports this file at module level. fpdf2 draws; Be Vietnam Pro comes from its package.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from xml.sax.saxutils import escape

import fontpkg_be_vietnam_pro  # type: ignore[import-untyped]
from fpdf import FPDF
from fpdf.enums import MethodReturnValue, XPos, YPos
from fpdf.fonts import TTFFont
from fpdf.output import AcroForm, OutputProducer, PDFCatalog
from fpdf.prefs import ViewerPreferences
from fpdf.syntax import PDFArray

from contracts.spelling import LANGUAGES

RELATIONSHIP = "Source"
_FAMILY = "Be Vietnam Pro"
_FACES = {"": "Regular", "B": "SemiBold"}
_MARGIN, _BOTTOM = 22.0, 24.0  # millimetres; the footer stands in the lower one
_LABEL = 46.0  # width of a table's first column
_INK, _QUIET, _RULE = (0x1B, 0x1F, 0x24), (0x5A, 0x62, 0x6B), (0xC9, 0xCE, 0xD4)
_PAGE = {"vi": "Trang", "en": "Page"}


@dataclass(frozen=True)
class Paper:
    """What a file is about, and the data attached to it."""

    title: str
    mark: str  # in the foot of every page: id and digest
    digest: str  # of the attached data, as XMP names it
    created: datetime
    attachment: str  # its name
    data: bytes
    description: str


class Sheets(FPDF):
    """A4 pages that break by line, every mark on them tagged: content for the reader, or an artefact."""

    def __init__(self, paper: Paper) -> None:
        super().__init__(format="A4", enforce_compliance="PDF/A-3U")
        self._paper, self._language = paper, LANGUAGES[0]
        for style, face in _FACES.items():
            self.add_font(_FAMILY, style, fontpkg_be_vietnam_pro.ROOT / "files" / f"BeVietnamPro-{face}.ttf")
        self.set_margins(_MARGIN, _MARGIN - 2)
        self.set_auto_page_break(False)
        self.set_lang(LANGUAGES[0])
        self._describe()
        self.embed_file(
            bytes=paper.data, basename=paper.attachment, mime_type="application/json", compress=True,
            associated_file_relationship=RELATIONSHIP, creation_date=paper.created,
            modification_date=paper.created, desc=paper.description,
        )  # fmt: skip

    def _describe(self) -> None:
        """What the file is, as XMP (ISO 19005-3 section 6.6.2)."""
        paper = self._paper
        self.set_title(paper.title)
        self.set_producer("Minh Bạch")
        self.set_creator("Minh Bạch")
        self.set_creation_date(paper.created.replace(microsecond=0))
        self.set_xmp_metadata(_xmp(paper.title, paper.digest, paper.created.strftime("%Y-%m-%dT%H:%M:%S+00:00")))
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)

    def file_id(self) -> str:
        """The file's /ID (ISO 32000-1 section 14.4): the beginning of the attached data's digest."""
        return f"<{sha256(self._paper.data).hexdigest()[:32]}>" * 2

    def drawn(self) -> bytes:
        """The file."""
        return bytes(self.output(output_producer_class=_Producer))

    def begin(self, lang: str) -> None:
        """A new page, from which on the text is in this language."""
        self.add_page()  # which writes the footer of the page before
        self._language = lang

    def footer(self) -> None:
        """Number, digest and page; called by fpdf2 when a page is full."""
        self.set_y(-15)
        with self._artefact():
            self._write("", 7, _QUIET)
            self.cell(0, 3.4, _shown(self._paper.mark, self._covered))
            self.set_x(_MARGIN)
            self.cell(0, 3.4, f"{_PAGE[self._language]} {self.page_no()}/{{nb}}", align="R")

    def paragraph(
        self, content: str, *, tag: str = "P", style: str = "", size: float = 9.5, above: float = 1.2,
        keep: float = 0, quiet: bool = False, indent: float = 0,
    ) -> None:  # fmt: skip
        """One block of text; `keep` millimetres must fit below its first line, or it begins on the next page."""
        self._write(style, size, _QUIET if quiet else _INK)
        height = size * 0.53
        lines = self._lines(content, self.epw - indent)
        self.set_y(self.get_y() + above)
        if not self._fits(height + keep):
            self.add_page()
            self._write(style, size, _QUIET if quiet else _INK)
        while lines:
            room = max(1, int((self.h - _BOTTOM - self.get_y() + 0.01) // height))
            here, lines = lines[:room], lines[room:]
            with self._content(tag):
                for line in here:
                    self.set_x(_MARGIN + indent)
                    self.cell(self.epw - indent, height, line, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            if lines:
                self.add_page()
                self._write(style, size, _QUIET if quiet else _INK)

    def item(self, content: str) -> None:
        """One line of a list, set in."""
        self.paragraph(content, indent=4)

    def facts(self, caption: str, rows: Sequence[tuple[str, str]]) -> None:
        """Two columns under a caption; a row stays in one piece."""
        self.paragraph(caption, tag="H2", style="B", size=10.5, above=4, keep=16)
        self.set_y(self.get_y() + 1)
        for label, value in rows:
            self._row(label, value)

    def _row(self, label: str, value: str) -> None:
        size, height = 8.5, 4.5
        self._write("", size, _INK)
        left = self._lines(label, _LABEL - 2)
        right = [line for part in value.split("\n") for line in self._lines(part, self.epw - _LABEL)]
        if not self._fits(height * max(len(left), len(right)) + 2):
            self.add_page()
        top = self.get_y()
        with self._artefact():
            self.set_draw_color(*_RULE)
            self.line(_MARGIN if label else _MARGIN + _LABEL, top, self.w - _MARGIN, top)
        for x, lines, colour in ((_MARGIN, left, _QUIET), (_MARGIN + _LABEL, right, _INK)):
            self._write("", size, colour)
            if not lines:
                continue
            self.set_y(top + 1)
            with self._content("P"):
                for line in lines:
                    self.set_x(x)
                    self.cell(self.epw - (x - _MARGIN), height, line, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_y(top + height * max(len(left), len(right)) + 2)

    def _lines(self, content: str, width: float) -> list[str]:
        shown = _shown(content, self._covered)
        lines = self.multi_cell(width, 1, shown, align="L", padding=0, dry_run=True, output=MethodReturnValue.LINES)
        return [str(line) for line in lines] if isinstance(lines, list) else [shown]

    def _write(self, style: str, size: float, colour: tuple[int, int, int]) -> None:
        self.set_font(_FAMILY, style, size)
        self.set_text_color(*colour)

    def _covered(self, character: str) -> bool:
        return isinstance(self.current_font, TTFFont) and ord(character) in self.current_font.cmap

    def _fits(self, height: float) -> bool:
        return self.get_y() + height <= self.h - _BOTTOM

    # fpdf2 tags figures only; what follows writes the same structure for text (ISO 32000-1 sections 14.7 and 14.8).

    @contextmanager
    def _content(self, tag: str) -> Iterator[None]:
        """What is drawn inside is one element of the reading order, in the language of the page."""
        number = self.struct_builder.next_mcid_for_page(self.page)
        self._add_marked_content(struct_type=f"/{tag}", mcid=number)
        self._out(f"/Span <</Lang ({self._language}) /MCID {number}>> BDC")
        yield
        self._out("EMC")

    @contextmanager
    def _artefact(self) -> Iterator[None]:
        """What is drawn inside is no content: footers, rules."""
        self._out("/Artifact BMC")
        yield
        self._out("EMC")


class _Producer(OutputProducer):
    """Keeps an empty form in the catalogue, so that a signature adds a field and changes nothing else."""

    def _finalize_catalog(self, catalog_obj: PDFCatalog, *args: Any, **kwargs: Any) -> None:
        super()._finalize_catalog(catalog_obj, *args, **kwargs)
        catalog_obj.acro_form = AcroForm(fields=PDFArray(), sig_flags=3)  # as a signature would set them


def _shown(content: str, covered: Callable[[str], bool]) -> str:
    """The text with every character spelt out that the font does not have or that nobody would see."""
    return "".join(
        one if one == " " or (covered(one) and not unicodedata.category(one).startswith("C")) else f"[U+{ord(one):04X}]"
        for one in content
    )


def _xmp(title: str, digest: str, moment: str) -> str:
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:title>
<dc:identifier>{escape(digest)}</dc:identifier>
<dc:language><rdf:Bag><rdf:li>vi</rdf:li><rdf:li>en</rdf:li></rdf:Bag></dc:language>
<xmp:CreatorTool>Minh Bạch</xmp:CreatorTool>
<xmp:CreateDate>{moment}</xmp:CreateDate>
<xmp:ModifyDate>{moment}</xmp:ModifyDate>
<pdf:Producer>Minh Bạch</pdf:Producer>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>"""
