"""Short jobs by the handful: claimed at once, ended at once; none of them waits behind a long one."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence

from core.jobs import lease
from core.jobs.models import Job
from core.jobs.run import Ends

MOST, SHORT_S, PATIENCE_S = 32, 0.002, 0.05


class Batch:
    """Claimed jobs and their `ends`; what one thread has not begun, another may give back."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.ends = Ends()
        self._left, self._lock, self._began, self._size = deque(jobs), threading.Lock(), time.monotonic(), len(jobs)
        self._present: list[Job] = []

    def __iter__(self) -> Iterator[Job]:
        while True:
            with self._lock:
                if not self._left:
                    return
                self._present = [self._left.popleft()]
            yield from self._present

    def held(self) -> list[int]:
        """The jobs that are begun or wait for it."""
        with self._lock:
            return [job.id for job in (*self._present, *self._left)]

    def give_back_late(self) -> bool:
        """Give back what has waited for too long; True when there was something."""
        if time.monotonic() - self._began < PATIENCE_S:
            return False
        with self._lock:
            late, self._left = list(self._left), deque()
        lease.give_back(late)
        return bool(late)

    def next_size(self) -> int:
        """How many to claim after this batch: twice as many as long as they are short, else one."""
        spent = time.monotonic() - self._began
        return min(2 * self._size, MOST) if spent < SHORT_S * self._size else 1
