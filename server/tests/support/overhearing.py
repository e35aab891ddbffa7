"""What a command prints in this process, without what the servers beside it log meanwhile."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
from collections.abc import Iterator
from typing import TextIO


class _OwnWords(io.StringIO):
    """Keeps what is written by the thread that opened it, and by threads that began after it.

    A server which many tests share runs in a thread of its own, and logs to whatever sys.stderr
    is at that moment: those lines are passed on to where they would have gone.
    """

    def __init__(self, passed_on: TextIO) -> None:
        super().__init__()
        self._passed_on = passed_on
        self._others = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}

    def write(self, words: str) -> int:
        if threading.get_ident() in self._others:
            return self._passed_on.write(words)
        return super().write(words)


@contextlib.contextmanager
def own_words() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Standard output and standard error of what runs inside, for its own threads alone."""
    out, err = _OwnWords(sys.stdout), _OwnWords(sys.stderr)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield out, err
