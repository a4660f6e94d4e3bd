"""Makes things one by one, each in its own transaction, and says which were taken: for test_disk_errors."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from core import boot, db, settings
from core.context import system_context
from core.resources import service_of


def main(label: str, count: int) -> None:
    built = boot.start(settings.load(os.environ))
    resource = built.resource("ledger.thing")
    thing: Any = resource.model
    told: dict[str, Any] = {"taken": [], "refused": [], "other": []}
    for number in range(count):
        name = f"{label} {number}"
        try:
            with db.database.connection_context():
                outcome = service_of(resource).create(system_context("cli"), [{"name": name, "stamps": 0}])[0]
            told["taken" if outcome.ok else "other"].append(name)
        except Exception as error:
            told["refused" if db.takes_no_writes(error) else "other"].append(name)
    with db.database.connection_context():
        told["there"] = [
            name for (name,) in thing.select(thing.name).where(thing.name.startswith(f"{label} ")).tuples()
        ]
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
