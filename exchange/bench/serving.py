"""The application as a benchmark asks it; apart from the rest, because writers that only write need not load it."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from flask import Flask

from exchange.app import create_app
from exchange.config import Config


@contextmanager
def quiet_app(config: Config) -> Iterator[Flask]:
    """The application; it writes its log line for every request, but to nowhere: standard output is for the figures."""
    before = structlog.get_config()
    with open(os.devnull, "w") as nowhere:
        app = create_app(config)
        gc.collect()
        gc.freeze()  # as a worker of the server does
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(nowhere))
        try:
            yield app
        finally:
            structlog.configure(**before)
