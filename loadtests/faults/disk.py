"""A disk that is busy: others write to the file system of the stack and flush all the while.

What the ledger's log and the documents flush waits behind them: a flush of 400 bytes took 0.19 ms calm and 35.9 ms
busy, each the median, 66 at most (`python -m loadtests.faults.disk FOLDER`, ext4, two cores). No device of our own is
needed, nor any right that an ordinary user lacks.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

# Files written over and over, bytes in each between two flushes: so much of the disk is used, and no more.
WRITERS, FILE_BYTES = 4, 32 << 20
_CHUNK = bytes(1 << 20)


class BusyDisk:
    """`with` it, the file system of `folder` is busy; afterwards nothing is left of it. `flushes`: how many ended."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.flushes = folder, 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, name="disk", daemon=True) for _ in range(WRITERS)]
        self._failure: OSError | None = None

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self._failure and kind is None:
            raise self._failure

    def _write(self) -> None:
        try:
            with tempfile.TemporaryFile(dir=self._folder, buffering=0) as file:  # gone with the process, too
                while not self._stop.is_set():
                    file.seek(0)
                    for _ in range(FILE_BYTES // len(_CHUNK)):
                        if self._stop.is_set():
                            return
                        file.write(_CHUNK)
                    os.fsync(file.fileno())
                    self.flushes += 1
        except OSError as error:  # a full disk is trouble of another kind
            self._failure = error


def flush_ms(folder: Path, count: int = 60) -> list[float]:
    """How long each of `count` small flushes took, in order of length, ms."""
    took = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(count):
            since = time.perf_counter()
            file.write(_CHUNK[:400])
            os.fsync(file.fileno())
            took.append((time.perf_counter() - since) * 1000)
            time.sleep(0.005)
    return sorted(took)


if __name__ == "__main__":
    where = Path(sys.argv[1])
    calm = flush_ms(where)
    with BusyDisk(where):
        busy = flush_ms(where)
    for name, took in (("calm", calm), ("busy", busy)):
        print(f"{name}: p50 {took[len(took) // 2]:.2f} ms, at most {took[-1]:.2f} ms")
