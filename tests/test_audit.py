"""The audit log: what is written, the chain over it, and every kind of tampering found and named."""

from __future__ import annotations

import csv
import io
import json
import logging
import random
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import peewee
import pytest

from core import audit, db
from core.audit import Entry, Head
from core.audit.chain import Chain, anchor_file
from core.changes import Change
from core.context import Actor, Context, system_context

CTX = Context(Actor(7, "Mona"), "ui", ip="10.0.0.7", session_id=3, request_id="r1", reason="asked by phone")


def fill(n: int, *, sealed: bool = True, start: int = 1) -> None:
    for at in range(start, start + n, 200):
        chunk = range(at, min(at + 200, start + n))
        marks = [Change(row, {"name": f"old {row}"}, {"name": f"new {row}"}) for row in chunk]
        audit.write(CTX, "test.thing", "updated", marks)
    if sealed:
        audit.seal(n + 100)


@contextmanager
def counting() -> Iterator[list[str]]:
    """The statements that run inside."""
    seen: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append(str(record.msg))  # type: ignore[method-assign]
    logger = logging.getLogger("peewee")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield seen
    logger.removeHandler(handler)
    logger.setLevel(level)


def drop_triggers() -> None:
    if db.is_postgres():
        db.database.execute_sql("DROP FUNCTION core_audit_fixed() CASCADE")
    else:
        for name in ("update", "delete"):
            db.database.execute_sql(f"DROP TRIGGER core_audit_{name}")


def test_one_entry_per_change_in_one_statement(runtime: Any) -> None:
    with counting() as seen:
        audit.write(CTX, "test.thing", "updated", [Change(row) for row in range(1, 201)])
    assert len([sql for sql in seen if "SAVEPOINT" not in sql]) <= 1
    assert Entry.select().where(Entry.resource == "test.thing").count() == 200


def test_entry_says_who_what_where_and_why(runtime: Any) -> None:
    audit.write(CTX, "test.thing", "updated", [Change(5, {"name": "a"}, {"name": "b"})])
    entry = audit.history("test.thing", 5)[0]
    assert (entry.actor_id, entry.ip, entry.session_id, entry.source) == (7, "10.0.0.7", 3, "ui")
    assert (entry.action, entry.record_id, entry.reason, entry.request_id) == ("updated", 5, "asked by phone", "r1")
    assert entry.diff == {"before": {"name": "a"}, "after": {"name": "b"}}


def test_system_and_nobody_are_told_apart(runtime: Any) -> None:
    audit.write(system_context(), "test.thing", "a", [Change(1)])
    audit.write(Context(Actor(None, "nobody")), "test.thing", "b", [Change(1)])
    assert [entry.actor_id for entry in audit.history("test.thing", 1).limit(2)] == [0, None]


def test_secrets_are_masked_at_any_depth(runtime: Any) -> None:
    change = Change(1, {}, {"password": "x", "to": [{"api_key": "y", "name": "z"}], "Secret_Hash": "q"})
    audit.write(CTX, "test.thing", "updated", [change])
    after = audit.history("test.thing", 1)[0].diff["after"]
    assert after == {"password": "***", "to": [{"api_key": "***", "name": "z"}], "Secret_Hash": "***"}


def test_history_is_paged_newest_first(runtime: Any) -> None:
    for step in range(5):
        audit.write(CTX, "test.thing", f"step{step}", [Change(1), Change(2)])
    newest = list(audit.history("test.thing", 1).limit(2))
    assert [entry.action for entry in newest] == ["step4", "step3"]
    older = audit.history("test.thing", 1).where(Entry.id < newest[-1].id)
    assert [entry.action for entry in older] == ["step2", "step1", "step0"]


def test_rolled_back_change_leaves_no_entry(runtime: Any) -> None:
    def fails() -> None:
        with db.transaction():
            audit.write(CTX, "test.thing", "updated", [Change(1)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert not audit.history("test.thing", 1).exists()


@pytest.mark.parametrize(
    "values",
    [
        {"action": "x"},
        {"digest": "0"},
        {"actor_id": None},
        {"seq": 99},
        {"hash": "0"},
        {"diff": {"a": 1}},
        {"salt": "0"},
    ],
    ids=str,
)
def test_triggers_refuse_to_edit_an_entry(runtime: Any, values: dict[str, Any]) -> None:
    fill(2)
    with pytest.raises((peewee.IntegrityError, peewee.InternalError)):
        Entry.update(values).where(Entry.resource == "test.thing").execute()


def test_triggers_refuse_to_delete_an_entry(runtime: Any) -> None:
    fill(2)
    with pytest.raises((peewee.IntegrityError, peewee.InternalError)):
        Entry.delete().where(Entry.seq == 2).execute()
    if db.is_postgres():
        with pytest.raises((peewee.IntegrityError, peewee.InternalError)):
            db.database.execute_sql("TRUNCATE core_audit_entry")
    assert audit.verify().ok


def test_erased_diff_leaves_the_chain_whole(runtime: Any) -> None:
    fill(3)
    erased = Entry.update(diff=None, salt=None).where(Entry.resource == "test.thing", Entry.record_id == 2)
    assert erased.execute() == 1
    audit.seal()
    assert audit.verify().ok


def test_seal_gives_every_entry_a_place_without_gaps(runtime: Any) -> None:
    fill(1203, sealed=False)
    waiting = Entry.select().where(Entry.seq.is_null()).count()
    assert audit.seal(1000) == 1000
    assert audit.seal(1000) == waiting - 1000
    assert [seq for (seq,) in Entry.select(Entry.seq).order_by(Entry.seq).tuples()] == list(range(1, waiting + 1))
    report = audit.verify()
    assert report.ok, report
    assert report.checked == waiting


def test_seal_leaves_uncommitted_entries_to_the_next_pass(runtime: Any) -> None:
    fill(3, sealed=False)
    done = []
    with db.transaction():
        fill(1, sealed=False, start=50)
        if db.is_postgres():
            done = in_thread(audit.seal)
    audit.seal()
    assert audit.verify().ok
    assert not db.is_postgres() or done[0] >= 3


def in_thread(function: Callable[[], Any], times: int = 1) -> list[Any]:
    import threading

    answers: list[Any] = []

    def call() -> None:
        try:
            answers.append(function())
        except Exception as error:
            answers.append(error)
        finally:
            db.database.close()

    threads = [threading.Thread(target=_with_context(call)) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _with_context(function: Callable[[], None]) -> Callable[[], None]:
    import contextvars

    context = contextvars.copy_context()
    return lambda: context.run(function)


def test_many_sealers_at_once_seal_each_entry_once(runtime: Any) -> None:
    fill(900, sealed=False)
    in_thread(lambda: audit.seal(5000), times=6)
    audit.seal(5000)
    report = audit.verify()
    assert report.ok, report
    assert report.checked == Entry.select().count()


def test_entries_that_wait_too_long_raise_the_alarm(runtime: Any) -> None:
    audit.seal()
    row = {"source": "ui", "action": "x", "resource": "test.thing", "record_id": 1, "digest": "0" * 64}
    Entry.insert(row | {"at": db.utcnow() - timedelta(seconds=11)}).execute()
    report = audit.verify()
    assert not report.ok
    assert "wait unsealed" in report.problem


def test_head_put_back_is_found_by_the_anchor(runtime: Any) -> None:
    fill(10)
    early = Head.get()
    fill(10, start=20)
    audit.anchor()
    drop_triggers()
    Entry.delete().where(Entry.seq > early.seq).execute()
    Head.update(seq=early.seq, hash=early.hash, mac=early.mac).execute()
    report = audit.verify()
    assert (report.ok, report.at) == (False, early.seq + 1)
    assert "cut off" in report.problem


def test_chain_written_anew_with_the_key_is_found_by_the_anchor(runtime: Any) -> None:
    fill(10)
    audit.anchor()
    drop_triggers()
    last = Head.get().seq
    Entry.update(reason="forged").where(Entry.seq == last).execute()
    Entry.update(seq=None, hash=None).execute()
    Head.delete().execute()
    anchor_was = anchor_file().read_text()
    audit.seal()
    anchor_file().write_text(anchor_was)
    report = audit.verify()
    assert (report.ok, report.at) == (False, last)
    assert "anchored" in report.problem


def test_an_anchor_for_which_there_is_no_room_leaves_no_half_line(runtime: Any) -> None:
    fill(2)
    audit.anchor()
    whole = anchor_file().read_text()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 40, hard))  # 40 signs of the next line still fit
    try:
        with pytest.raises(OSError, match="room"):
            audit.anchor()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert anchor_file().read_text() == whole
    assert audit.verify().ok


def test_the_head_is_anchored_hourly_by_a_job(runtime: Any) -> None:
    fill(2)
    (every_s,) = [schedule.every_s for schedule in runtime.schedules if schedule.job == "core.audit_anchor"]
    runtime.jobs["core.audit_anchor"].run(None)
    head = Head.get()
    assert every_s == 3600
    assert anchor_file().read_text().split()[1:] == [str(head.seq), head.hash]


@pytest.mark.parametrize(
    ("plant", "at", "said"),
    [
        ("head_gone", 21, "head row is missing"),
        ("head_edited", 21, "head row was edited"),
        ("head_back", 11, "put back"),
        ("diff_edited", 5, "before and after were edited"),
    ],
)
def test_tampering_beside_the_chain_is_found(runtime: Any, plant: str, at: int, said: str) -> None:
    audit.seal()
    drop_triggers()
    Entry.delete().execute()
    Head.delete().execute()
    fill(10)
    early = Head.get()
    fill(10, start=30)
    if plant == "head_gone":
        Head.delete().execute()
    elif plant == "head_edited":
        Head.update(seq=19).execute()
    elif plant == "head_back":
        Head.update(seq=early.seq, hash=early.hash, mac=early.mac).execute()
    else:
        Entry.update(diff={"before": {}, "after": {"name": "forged"}}).where(Entry.seq == 5).execute()
    report = audit.verify()
    assert (report.ok, report.at) == (False, at), report
    assert said in report.problem


COLUMNS = "at actor_id on_behalf_of ip session_id source request_id action resource record_id reason digest".split()


def _plant(kind: str, dice: random.Random, total: int) -> tuple[int | None, str]:
    """Tamper, and say which seq is the first broken one and a word of the cause."""
    place = dice.randint(1, total)
    row = Entry.get(Entry.seq == place)
    if kind == "edit":
        name = dice.choice(COLUMNS)
        old = getattr(row, name)
        new = old + timedelta(microseconds=1) if name == "at" else old + 1 if isinstance(old, int) else f"{old}x"
        new = new[:10] if name == "source" else new[-64:] if name == "digest" else new
        Entry.update({name: new}).where(Entry.seq == place).execute()
        return place, "edited"
    if kind == "delete":
        place = min(place, total - 1)
        Entry.delete().where(Entry.seq == place).execute()
        return place, "deleted"
    if kind == "delete_and_move_up":
        place = min(place, total - 2)
        Entry.delete().where(Entry.seq == place).execute()
        for seq in range(place + 1, total + 1):
            Entry.update(seq=seq - 1).where(Entry.seq == seq).execute()
        return place, "deleted"
    if kind == "swap":
        other = dice.choice([seq for seq in range(1, total + 1) if seq != place])
        Entry.update(seq=-1).where(Entry.seq == place).execute()
        Entry.update(seq=place).where(Entry.seq == other).execute()
        Entry.update(seq=other).where(Entry.seq == -1).execute()
        return min(place, other), "swapped"
    if kind == "insert":
        for seq in range(total, place - 1, -1):
            Entry.update(seq=seq + 1).where(Entry.seq == seq).execute()
        forged = dict(row.__data__) | {"seq": place, "action": "forged", "hash": "0" * 64, "diff": None, "salt": None}
        del forged["id"]
        Entry.insert(forged).execute()
        return place, "inserted"
    Entry.delete().where(Entry.seq >= place).execute()
    return place, "cut off"


@pytest.mark.parametrize("kind", ["edit", "delete", "delete_and_move_up", "swap", "insert", "tail"])
def test_every_planted_tampering_is_found_and_its_place_named(runtime: Any, kind: str) -> None:
    """25 random places per kind and database: 300 in all."""
    audit.seal()
    drop_triggers()
    Entry.delete().execute()
    Head.delete().execute()
    fill(40)
    total, dice = 40, random.Random(kind)
    good = [dict(row.__data__) for row in Entry.select()]
    for _ in range(25):
        at, said = _plant(kind, dice, total)
        report = audit.verify()
        assert (report.ok, report.at, report.checked) == (False, at, (at or 1) - 1), (report, at)
        assert said in report.problem, (report, said)
        with db.transaction():
            Entry.delete().execute()
            Entry.insert_many(good).execute()
        assert audit.verify().ok


def test_verify_reads_ten_thousand_entries_a_second(runtime: Any) -> None:
    fill(10_000)
    start = time.process_time()  # what it costs; the clock on the wall measures the other tests too
    assert audit.verify().checked >= 10_000
    assert time.process_time() - start < 1


def test_export_as_json_lines_and_csv(runtime: Any) -> None:
    audit.write(CTX.because("=cmd()"), "test.thing", "updated", [Change(9, {}, {"name": "عربي"})])
    lines, sheet = io.StringIO(), io.StringIO()
    assert audit.export(lines) == audit.export(sheet, "csv") == Entry.select().count()
    last = json.loads(lines.getvalue().splitlines()[-1])
    assert (last["reason"], last["diff"]["after"]["name"]) == ("=cmd()", "عربي")
    assert list(csv.DictReader(io.StringIO(sheet.getvalue())))[-1]["reason"] == "'=cmd()"


def test_key_is_not_in_the_database(runtime: Any) -> None:
    fill(1)
    assert Chain().key.hex() not in json.dumps(list(Entry.select().dicts()), default=str)
