"""A demo shop of its own for the pictures: our plugins, the test plugins beside them, and two people who know it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from orders import recent

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a warm kettle on a blue stove"  # noqa: S105 - of a shop that nobody else reaches
PLUGINS = ("suppliers", "textiles", "visits")
PEOPLE = {"en": ("nora", "Nora Haddad"), "ar": ("layla", "ليلى حداد")}


class Shop:
    """`with Shop(folder) as shop`: its server runs at `shop.address`; what the folder holds already is used again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Shop:
        if not (self.folder / "ready").exists():
            self.maktab("init")
            for plugin in PLUGINS:
                self.maktab("plugin", "enable", plugin)
            for username, name in PEOPLE.values():
                self.maktab(
                    "user", "add", username, "--role", "owner", "--name", name, "--email", f"{username}@example.com"
                )
            self.maktab("demo")
            orders = self.folder / "orders.jsonl"
            orders.write_text(recent(), encoding="utf-8")
            self.maktab("import", "orders.order", str(orders))
            (self.folder / "ready").touch()
        self.maktab("migrate")
        with (self.folder / "server.log").open("wb") as log:
            self._server = subprocess.Popen([*_COMMAND, "serve"], env=self._env(), stdout=log, stderr=log)
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server:
            self._server.terminate()
            self._server.wait(120)

    def maktab(self, *words: str) -> Any:
        """What `maktab … --json` answers."""
        done = subprocess.run(
            [*_COMMAND, *words, "--json"], env=self._env(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"maktab {' '.join(words)}: {done.stderr or done.stdout}")
        return json.loads(done.stdout or "null")

    def _env(self) -> dict[str, str]:
        ours = {
            "DATA_DIR": self.folder,
            "PLUGIN_DIR": ROOT / "tests" / "plugins",
            "PASSWORD": PASSWORD,
            "PORT": self.port,
            "REAUTH_S": 0,
        }
        kept = {name: text for name, text in os.environ.items() if not name.startswith("MAKTAB_")}
        return kept | {f"MAKTAB_{name}": str(value) for name, value in ours.items()}

    def _wait(self) -> None:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{self.address}/admin/sign-in", timeout=5).close()  # noqa: S310 - our own
                return
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                time.sleep(0.2)
        raise SystemExit(f"The shop did not start: see {self.folder / 'server.log'}.")


_COMMAND = (sys.executable, "-P", "-m", "core.cli")
