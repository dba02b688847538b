"""The production-grade server: gunicorn with threads; in every worker a sequencer and what else runs by itself."""

import gc
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from exchange.app import create_app
from exchange.config import Config

# In this order: what the witnesses have seen binds the sequencer.
_BACKGROUND = ("minhbach.witnesses", "minhbach.sequencer", "minhbach.timestamps", "minhbach.notices")


class Server(BaseApplication):
    """gunicorn, told everything from here: no second file of settings."""

    def __init__(self, config: Config, bind: str, workers: int, threads: int) -> None:
        self._config = config
        self._options = {
            "bind": bind,
            "workers": workers,
            "threads": threads,
            "worker_class": "gthread",
            "timeout": 120,
            "graceful_timeout": 30,
            "keepalive": 5,
            "limit_request_line": 8190,
            "accesslog": None,  # our own structured line says more and nothing personal
            "loglevel": "warning",
            "post_worker_init": _start_background,
            "worker_exit": _stop_background,
        }
        super().__init__()

    def load_config(self) -> None:
        """Hand our options to gunicorn."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Called in each worker after the fork: no connection or thread is ever shared between workers."""
        app = create_app(self._config)
        # What is loaded now lives as long as the worker. Looking through it for garbage found none, again and again,
        # and stopped all threads for a sixth of a second.
        gc.collect()
        gc.freeze()
        return app


def _start_background(worker: Any) -> None:
    for name in _BACKGROUND:
        worker.wsgi.extensions[name].start()


def _stop_background(_server: Any, worker: Any) -> None:
    for name in reversed(_BACKGROUND):
        worker.wsgi.extensions[name].stop()
