"""What the clock brings and nobody's act: a deadline that comes near, a term that ends, a duty that is late.

The nouns say what is due at a moment; ``notices`` tells each thing once.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Due:
    """One thing to tell, for as long as it is due."""

    key: str  # of this one warning, for ever: told once however often it is found ("lapse:01j…:7")
    kind: str  # which sentences tell it ("negotiation.lapsing"): as an event's type, noun.verb
    org_ids: tuple[str, ...]  # whom it concerns
    facts: Mapping[str, int | str | bool]  # what the sentences need; nothing secret
    path: str  # the page to go to ("/contracts/01j…")
