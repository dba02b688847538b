"""What parties may add to the terms of a licence (contracts.terms.ADDED), between forms and stored values."""

from collections.abc import Mapping
from typing import Any

from contracts.terms import ADDED


def added_in(values: Mapping[str, Any]) -> dict[str, Any]:
    """The additions among loaded or stored values, an empty one as what holds without it."""
    found = {name: values[name] for name in ADDED if name in values}
    return {name: ADDED[name] if value in (None, "") else value for name, value in found.items()}


def stated(values: Mapping[str, Any]) -> dict[str, Any]:
    """Only what says more than what holds anyway: this is stored with an offer."""
    return {name: value for name, value in added_in(values).items() if value != ADDED[name]}
