"""What the test plugin registers."""

from __future__ import annotations

import time

import marshmallow as ma

from core import changes, db
from core.db import bulk
from core.jobs import JobType
from core.plugins.hookspecs import hookimpl
from core.resources.declaration import Action, Column, Filter, Resource, Scope
from core.resources.sets import Outcome
from ledger.models import Effect, Thing


class ThingSchema(ma.Schema):
    id = ma.fields.Integer(dump_only=True)
    name = ma.fields.String(required=True, validate=ma.validate.Length(1, 80))
    stamps = ma.fields.Integer()


class StampArguments(ma.Schema):
    label = ma.fields.String(required=True)
    bad = ma.fields.List(ma.fields.Integer(), load_default=list)


def stamp(ctx, ids, arguments):
    if set(ids) & set(arguments["bad"]):
        raise ValueError("a row that cannot be stamped")
    Thing.update(stamps=Thing.stamps + 1, version=Thing.version + 1).where(Thing.id.in_(list(ids))).execute()
    bulk.insert(Effect, [{"what": arguments["label"], "thing_id": thing} for thing in ids])
    changes.record(ctx, "ledger.thing", "stamped", [changes.Change(thing) for thing in ids], reindex=False)
    return {thing: Outcome("done", thing, undo={"label": arguments["label"]}) for thing in ids}


def unstamp(ctx, kept):
    Thing.update(stamps=Thing.stamps - 1, version=Thing.version + 1).where(Thing.id.in_(list(kept))).execute()
    changes.record(ctx, "ledger.thing", "unstamped", [changes.Change(thing) for thing in kept], reindex=False)
    return {thing: Outcome("done", thing) for thing in kept}


def keep(ctx, ids, arguments):
    return {thing: Outcome("unchanged", thing) for thing in ids}


def walk(run):
    """Counts to args["steps"] with a checkpoint each, and leaves one effect per step."""
    for step in range(run.state.get("step", 0), run.args["steps"]):
        if run.canceled():
            return None
        with db.transaction():
            Effect.create(what=f"walk:{run.job.id}", thing_id=step)
            run.save({"step": step + 1}, done=step + 1, total=run.args["steps"])
        time.sleep(run.args.get("pause_s", 0))
    run.log("there")
    return {"steps": run.args["steps"]}


def boom(run):
    raise ValueError("the secret is 4711")


def leave(run):
    raise SystemExit("this was the last job")


def on_stamped(ctx, payload):
    Effect.insert_many([{"what": "delivered", "thing_id": thing} for thing in payload["ids"]]).execute()


def on_fragile(ctx, payload):
    raise RuntimeError("never works")


@hookimpl
def register_resources():
    return [
        Resource(
            "ledger.thing", "things", Thing, ThingSchema, "Thing", "Things",
            columns=[Column("name", "Name", sortable=True), Column("stamps", "Stamps", "number")],
            key=["name"],
            filters=[Filter("name", "Name", "text")],
            scopes=[Scope("name", "Name")],
            actions=[Action("stamp", "Stamp", stamp, unstamp, StampArguments), Action("keep", "Keep", keep)],
        )
    ]  # fmt: skip


@hookimpl
def register_jobs():
    return [JobType("ledger.walk", walk, "Walk"), JobType("ledger.boom", boom, "Boom"), JobType("ledger.leave", leave)]


@hookimpl
def register_subscriptions():
    return {"ledger.thing_stamped.v1": on_stamped, "ledger.fragile.v1": on_fragile}
