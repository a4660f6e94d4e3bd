"""What this plugin registers: a job that does nothing and one that says when it began."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from core.jobs import JobRun, JobType
from core.plugins.hookspecs import hookimpl


def _mark(run: JobRun) -> None:
    Path(run.args["file"]).write_text(str(time.time()))


@hookimpl
def register_jobs() -> Sequence[JobType]:
    return [JobType("bench_jobs.noop", lambda run: None, "Nothing"), JobType("bench_jobs.mark", _mark, "Mark")]
