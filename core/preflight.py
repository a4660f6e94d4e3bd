"""Child process of `enable`: assemble the next generation with one plugin more; says on stdout why it cannot be."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from core import app, db
from core.plugins.assembly import assemble
from core.plugins.manifest import PluginFailed
from core.settings import Settings


def main() -> None:
    given = json.load(sys.stdin)
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the plugin prints while it loads is not our answer
    values = given["settings"]
    settings = Settings(**{**values, "data_dir": Path(values["data_dir"])})
    db.connect(settings.url)
    try:
        runtime, _ = assemble(settings, app.create_app, trial=given["name"])
        answer.write(runtime.plugins[given["name"]].error)
    except PluginFailed as failed:
        answer.write(f"{failed.plugin}: {failed.reason}")
    answer.close()


if __name__ == "__main__":
    main()
