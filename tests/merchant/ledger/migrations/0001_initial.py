"""Things, effects and movements of stock."""

import peewee

from core.db import IdField, UTCDateTimeField


def _models(db):
    class Base(peewee.Model):
        id = IdField()

        class Meta:
            database = db

    class Thing(Base):
        created_at = UTCDateTimeField()
        updated_at = UTCDateTimeField()
        version = peewee.IntegerField()
        name = peewee.CharField(80, index=True)
        stamps = peewee.IntegerField()
        stock = peewee.IntegerField(constraints=[peewee.Check("stock >= 0")])

        class Meta:
            table_name = "ledger_thing"

    class Effect(Base):
        what = peewee.CharField(80)
        thing_id = peewee.BigIntegerField()

        class Meta:
            table_name = "ledger_effect"

    class Movement(Base):
        thing_id = peewee.BigIntegerField()
        quantity = peewee.IntegerField()
        key = peewee.CharField(80)

        class Meta:
            table_name = "ledger_movement"
            indexes = ((("key", "thing_id"), True),)

    return [Thing, Effect, Movement]


def up(migrator, db):
    db.create_tables(_models(db))


def down(migrator, db):
    db.drop_tables(_models(db))
