"""The doorbell: huey only says "look now". A lost or failed ring costs seconds, never a job."""

from __future__ import annotations

import functools
import logging
from typing import Any

from core import runtime
from core.settings import Settings

log = logging.getLogger("maktab.jobs")


@functools.cache
def queue(settings: Settings) -> Any:
    """The huey queue of this install, with its one generic task. Messages are pickles, so they are signed."""
    from huey import RedisHuey, SqliteHuey  # brings the client of Redis: a tenth of the start of a command
    from huey.serializer import SignedSerializer

    options = {"serializer": SignedSerializer(secret=settings.key("queue")), "results": False}
    if settings.redis_url:
        import redis  # the extra `redis`

        pool = redis.ConnectionPool.from_url(settings.redis_url, socket_connect_timeout=2, socket_timeout=5)
        made = RedisHuey("maktab", connection_pool=pool, **options)
    else:
        # No fsync: what the bell loses in a power cut, the sweep finds.
        made = SqliteHuey("maktab", filename=str(settings.data_dir / "queue.db"), fsync=False, **options)
    made.ring = made.task(name="look")(_look)
    return made


def _look() -> None:
    """The one task; its message is the whole meaning."""


def ring() -> None:
    """Wake a worker. A bell that is out of order is logged, never raised: the rows wait for the sweep."""
    try:
        queue(runtime.current().settings).ring()
    except Exception as problem:  # any client's error; nothing depends on the bell
        log.warning("The doorbell does not ring (%s); jobs start with the next sweep.", type(problem).__name__)
