"""People and programs at work, to see whom a change of plugins, or a bad one, disturbs."""

from __future__ import annotations

import http.client
import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from core import auth
from core.testing import PASSWORD
from tests import chaos_kit
from tests.process_kit import Browser

LIST = "/admin/orders/"
PAGES = (LIST, "/admin/", LIST, "/admin/users/", LIST, "/admin/jobs/", LIST, "/admin/plugins/", LIST, "/admin/audit/")
TIMEOUT_S = 30


class Asked(NamedTuple):
    """One request; `status` 0 is a connection that broke."""

    what: str
    status: int
    took_ms: float


class Load:
    """One person per address who opens one page after the other, and a program that writes orders, until `end`."""

    def __init__(self, ports: Sequence[int], owner: str) -> None:
        self.asked: list[Asked] = []
        self._ended = threading.Event()
        user = auth.User.get(auth.User.username == owner)
        self._token = auth.create_token(chaos_kit.CTX, user, ["*"])
        self._threads = [threading.Thread(target=self._open_pages, args=(port, owner)) for port in ports]
        self._threads.append(threading.Thread(target=self._write_orders, args=(ports[0],)))
        for thread in self._threads:
            thread.start()

    def end(self) -> list[Asked]:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        return self.asked

    def _open_pages(self, port: int, owner: str) -> None:
        person = Browser(f"http://127.0.0.1:{port}")
        while self._note("sign in", lambda: person.sign_in(owner, PASSWORD)[0]) != 200 and not self._ended.is_set():
            time.sleep(1)
        while not self._ended.is_set():
            for page in PAGES:
                self._note(page, lambda page=page: person.get(page)[0])  # type: ignore[misc]
                time.sleep(0.02)

    def _write_orders(self, port: int) -> None:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        number = 0

        def write() -> int:
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
            order = {"sales_channel": "load", "number": f"{port}-{number}-{self._token[-6:]}", "currency": "GBP"}
            link.request("POST", "/api/v1/orders", json.dumps(order | {"lines": []}), headers)
            status = link.getresponse().status
            link.close()
            return status

        while not self._ended.is_set():
            number += 1
            self._note("POST /api/v1/orders", write)
            time.sleep(0.1)

    def _note(self, what: str, ask: Callable[[], int]) -> int:
        began = time.monotonic()
        try:
            status = ask()
        except (OSError, http.client.HTTPException):
            status = 0
        self.asked.append(Asked(what, status, (time.monotonic() - began) * 1000))
        return status


def failures(asked: Sequence[Asked]) -> Counter[tuple[str, int]]:
    return Counter((one.what, one.status) for one in asked if one.status not in (200, 201))


def p95_ms(asked: Sequence[Asked], what: str = LIST) -> float:
    took = [one.took_ms for one in asked if one.what == what]
    return statistics.quantiles(took, n=20)[18]
