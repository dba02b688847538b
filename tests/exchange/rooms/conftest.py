"""The same place as the trial's tests: who tries data does it under a certificate."""

from tests.exchange.trials.conftest import buyer, no_csrf, place, ready, shipments  # noqa: F401 - fixtures
