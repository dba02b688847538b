"""A report of a trial on paper, drawn when asked: PDF/A-3 in both languages with the data attached (report_page.py)."""

from functools import lru_cache

from exchange.errors import N_, refuse


@lru_cache(maxsize=16)
def pdf_of(payload: bytes, digest: str) -> bytes:
    """The PDF of a report's payload; ``digest`` "" is a draft's, and every page says so."""
    try:
        from exchange.trials import report_page
    except ImportError:
        raise refuse(
            "PAPER_UNAVAILABLE",
            N_("This exchange prints no reports: the packages for it are not installed."),
            status=501,
        ) from None
    return report_page.make(payload, digest)
