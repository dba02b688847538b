"""The numbers of the law are data: complete, each with its source, and refused when they are not."""

from typing import Any

import pytest

from sandbox.profiles import PARAMETERS, PILOT, PROFILES, read
from sandbox.trial import Caps, Trial

ENTRIES: dict[str, dict[str, Any]] = {
    name: {"value": list(value) if isinstance(value := getattr(PILOT, name), tuple) else value, "sure": "text",
           "basis": "Art. 1"}
    for name in PARAMETERS
}  # fmt: skip


def test_the_pilot_has_the_numbers_of_the_law() -> None:
    assert (PILOT.max_months, PILOT.max_extensions, PILOT.extension_months, PILOT.ask_before_days) == (24, 2, 12, 30)
    assert (PILOT.review_days, PILOT.report_months, PILOT.report_grace_days) == ((10, 20, 30), (6, 6, 3), 10)
    assert (PILOT.incident_hours, PILOT.evaluate_days, PILOT.transition_months) == (72, 15, 12)
    assert Caps() == PILOT.caps == Caps(50, 200, 500_000_000, 20_000_000_000)


def test_the_capital_has_its_own_term_and_the_rest_of_the_pilot() -> None:
    capital = PROFILES["capital"]
    assert (capital.max_months, capital.max_extensions, capital.extension_months) == (36, 1, 36)
    assert "Capital Law" in capital.basis("max_months")
    assert capital.incident_hours == PILOT.incident_hours


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_every_number_has_its_source(profile: Any) -> None:
    assert set(profile.sources) == set(PARAMETERS)
    assert all(source.basis and source.sure for source in profile.sources.values())


def test_a_sound_table_is_read() -> None:
    assert read("mine", ENTRIES).max_months == 24


@pytest.mark.parametrize("entry", [
    {"sure": "text", "basis": "Art. 1"},
    {"value": 24, "sure": "text", "basis": ""},
    {"value": 24, "sure": "certainly", "basis": "Art. 1"},
    {"value": 24, "sure": "text", "basis": "Art. 1", "note": "x"},
    {"value": -1, "sure": "text", "basis": "Art. 1"},
    {"value": True, "sure": "text", "basis": "Art. 1"},
    {"value": "24", "sure": "text", "basis": "Art. 1"},
    {"value": [1, 2, 3], "sure": "text", "basis": "Art. 1"},
])  # fmt: skip
def test_a_number_without_its_source_or_of_another_form_is_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="mine"):
        read("mine", {**ENTRIES, "max_months": entry})


@pytest.mark.parametrize("value", [6, [6, 6], [6, 6, 0], [6, 6, 3, 3]])
def test_a_number_for_each_level_is_three_numbers(value: Any) -> None:
    with pytest.raises(ValueError, match="mine"):
        read("mine", {**ENTRIES, "report_months": {**ENTRIES["report_months"], "value": value}})


def test_a_parameter_too_many_or_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match="max_weeks"):
        read("mine", {**ENTRIES, "max_weeks": ENTRIES["max_months"]})
    with pytest.raises(ValueError, match="row_cap"):
        read("mine", {name: entry for name, entry in ENTRIES.items() if name != "row_cap"})


def test_a_trial_has_one_of_three_levels() -> None:
    with pytest.raises(ValueError, match="level 4"):
        Trial("1", "A", None, None, (), (), level=4)
