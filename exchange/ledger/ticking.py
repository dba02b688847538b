"""Work that is done again and again in a thread of its own, until it is told to stop."""

import threading
from collections.abc import Callable


class Ticking:
    """Calls ``work`` every ``seconds``. The work itself deals with its errors: one that escapes ends the thread."""

    def __init__(self, name: str, seconds: float, work: Callable[[], object]) -> None:
        self._name, self._seconds, self._work = name, seconds, work
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; a daemon thread, so that it never keeps the process from ending."""
        self._thread = threading.Thread(target=self._loop, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the run under way and end the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    @property
    def alive(self) -> bool:
        """False once a started thread has ended."""
        return self._thread is None or self._thread.is_alive()

    def _loop(self) -> None:
        while not self._stop.wait(self._seconds):
            self._work()
