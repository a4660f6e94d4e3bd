"""An install as docs/deploy describes it: its units, its settings and its proxy, on ports of this test."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from core.settings import Settings
from tests import process_kit

SAMPLES = process_kit.ROOT / "docs" / "deploy"
SITE = "shop.example.com"


def sample(name: str, changed: Mapping[str, str]) -> str:
    """A sample file with what differs on every machine put in; each of it must be there."""
    text = (SAMPLES / name).read_text()
    for old, new in changed.items():
        assert old in text, f"{name} says nothing of {old}"
        text = text.replace(old, new)
    return text


def environ(settings: Settings, public_url: str) -> dict[str, str]:
    """The settings of maktab.env on this test's database, Redis and address."""
    lines = [line for line in (SAMPLES / "maktab.env").read_text().splitlines() if line and not line.startswith("#")]
    given = dict(line.split("=", 1) for line in lines)
    here = {
        "DATA_DIR": settings.data_dir, "DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url,
        "PUBLIC_URL": public_url,
    }  # fmt: skip
    changed = {f"MAKTAB_{name}": str(value) for name, value in here.items()}
    assert set(changed) < set(given), "maktab.env lacks what must differ"
    return {**os.environ, "MAKTAB_PLUGIN_DIR": settings.plugin_dir} | given | changed


class Unit:
    """One process as its unit starts it; `kill` takes all of it, as systemd does, and `start` brings it back."""

    def __init__(self, kind: str, instance: str, given: Mapping[str, str], log: Path) -> None:
        text = (SAMPLES / f"maktab-{kind}@.service").read_text().replace("%i", instance)
        (self.verb,) = re.findall(r"^ExecStart=/\S+/maktab (\w+)$", text, re.MULTILINE)
        self.environ = {**given, **dict(re.findall(r"^Environment=(\w+)=(.*)$", text, re.MULTILINE))}
        self.restart_s = float(re.findall(r"^RestartSec=(\d+)$", text, re.MULTILINE)[0])
        self.stop_s = int(re.findall(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)[0])
        self.name, self.port, self.log = f"{kind} {instance}", self.environ.get("PORT", ""), log
        self.start()

    def start(self) -> None:
        self.process = process_kit.start(self.verb, self.environ, self.log)

    def kill(self) -> None:
        process_kit.kill(process_kit.family(self.process.pid))
        self.process.wait()

    def stop(self) -> float:
        """SIGTERM to the main process (KillMode=mixed); how long it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(self.stop_s) in (0, -signal.SIGTERM)
        return time.monotonic() - began

    def is_ready(self) -> bool:
        if self.verb != "web":
            return self.process.poll() is None
        with suppress(OSError):
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5).status == 200
        return False

    def memory_mb(self) -> int:
        found = 0
        for one in process_kit.family(self.process.pid):
            with suppress(psutil.NoSuchProcess):
                found += one.memory_info().rss
        return found >> 20


class Proxy:
    """nginx or Caddy with the sample's rules, on this test's ports and a certificate of its own."""

    def __init__(self, program: str, port: int, webs: list[int], home: Path) -> None:
        self.port, self.plain = port, process_kit.free_port()
        self.address, self.home = f"https://127.0.0.1:{port}", home
        home.mkdir()
        self.key, self.certificate = home / "key.pem", home / "fullchain.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(self.key),
             "-out", str(self.certificate), "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
            check=True, capture_output=True,
        )  # fmt: skip
        self.trust = ssl.create_default_context(cafile=str(self.certificate))
        ports = {f"127.0.0.1:{port}": f"127.0.0.1:{web}" for port, web in zip((8001, 8002), webs, strict=True)}
        command = self._nginx(ports) if program == "nginx" else self._caddy(ports)
        out = (home / "proxy.log").open("ab")
        found = {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
        self.process = subprocess.Popen(command, stdout=out, stderr=out, env=found)
        process_kit.eventually(self.answers, 20, f"an answer of {program}: {(home / 'proxy.log').read_text()}")

    def _nginx(self, ports: dict[str, str]) -> list[str]:
        tls = {"/etc/maktab/tls/key.pem": str(self.key), "/etc/maktab/tls/fullchain.pem": str(self.certificate)}
        listen = {
            "listen 80;": f"listen 127.0.0.1:{self.plain};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
        }
        (self.home / "site.conf").write_text(sample("nginx.conf", ports | tls | listen))
        paths = "".join(
            f"{name}_temp_path {self.home / name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;" if os.geteuid() == 0 else ""
        (self.home / "nginx.conf").write_text(
            f"{user} daemon off; pid {self.home}/pid; error_log stderr; worker_processes 1; events {{}}"
            f" http {{ access_log {self.home}/access.log; {paths} include {self.home}/site.conf; }}"
        )
        return ["nginx", "-p", str(self.home), "-c", str(self.home / "nginx.conf")]

    def _caddy(self, ports: dict[str, str]) -> list[str]:
        site = {f"\n{SITE} {{": f"\n{self.address} {{\n\ttls {self.certificate} {self.key}"}
        text = sample("Caddyfile", ports | site)
        (self.home / "Caddyfile").write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{text}")
        return ["caddy", "run", "--config", str(self.home / "Caddyfile"), "--adapter", "caddyfile"]

    def status(self, path: str, **headers: str) -> int:
        """The status of a GET; 0 when the answer was cut."""
        request = urllib.request.Request(self.address + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.trust) as answer:
                answer.read()
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def leads_to_tls(self) -> bool:
        """The plain port answers every address with the same one over TLS (Caddy does so by itself)."""
        asked = http.client.HTTPConnection("127.0.0.1", self.plain, timeout=10)
        asked.request("GET", "/admin/", headers={"Host": SITE})
        answer = asked.getresponse()
        return (answer.status, answer.headers["Location"]) == (301, f"https://{SITE}/admin/")

    def answers(self) -> bool:
        with suppress(OSError):
            return self.status("/healthz") == 200
        return False

    def end(self) -> None:
        process_kit.kill(process_kit.family(self.process.pid))
        self.process.wait()


@contextmanager
def running(program: str, settings: Settings, home: Path) -> Iterator[tuple[Proxy, list[Unit]]]:
    """Two web processes, two workers and the proxy before them; whoever is left is killed at the end."""
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed: apt-get install {program}")
    port, *webs = [process_kit.free_port() for _ in range(3)]
    units: list[Unit] = []
    proxy = None
    try:
        given = environ(settings, f"https://127.0.0.1:{port}")
        units = [Unit("web", str(port), given, home / "web.log") for port in webs]
        units += [Unit("worker", str(number), given, home / "worker.log") for number in (1, 2)]
        for unit in units:
            process_kit.eventually(unit.is_ready, 60, f"{unit.name} is ready")
        proxy = Proxy(program, port, webs, home / program)
        yield proxy, units
    finally:
        for unit in units:
            unit.kill()
        if proxy:
            proxy.end()
