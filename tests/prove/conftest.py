"""What the long proofs share: their scale, the ledger install, and the line of figures that each one leaves."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.settings import Settings
from tests import process_kit
from tests.ledger_kit import install

SCALE = float(os.environ.get("MAKTAB_PROVE", "1"))
"""1 is the whole proof that docs/promises.md speaks of; 0.05 finds most mistakes in a twentieth of the time."""


def scaled(whole: int, least: int = 1) -> int:
    return max(least, round(whole * SCALE))


@pytest.fixture
def house(app_db: Any, settings: Settings) -> Settings:
    """The ledger plugin on a database of its own, with leases so short that a lost one shows."""
    return install(settings, "transfer", job_lease_s=3).settings


@pytest.fixture
def port() -> int:
    return process_kit.free_port()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[..., None]:
    """figures("R1", kills=100, lost=0): what a proof reached, as a line of JSON on the terminal and in the file."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    place = Path(os.environ.get("MAKTAB_PROVE_FILE") or request.config.rootpath / "prove.jsonl")

    def note(promise: str, **reached: Any) -> None:
        proof = request.node.nodeid
        line = {"promise": promise, "proof": proof, "date": f"{datetime.now(UTC):%Y-%m-%d}", "scale": SCALE}
        text = json.dumps(line | reached)
        with capture.global_and_fixture_disabled():
            print(f"\n{text}", flush=True)
        with place.open("a") as out:
            out.write(text + "\n")

    return note
