#!/bin/sh
# restore.sh FOLDER KEYS: a backup and the keys into an empty database and an empty MAKTAB_DATA_DIR; no process runs.
set -eu
umask 077
mkdir -p "$MAKTAB_DATA_DIR"
tar -C "$MAKTAB_DATA_DIR" -xf "$1/data.tar"
[ ! -f "$1/audit-anchors.log" ] || cp "$1/audit-anchors.log" "$MAKTAB_DATA_DIR/"
cp -R "$2" "$MAKTAB_DATA_DIR/keys"
case "${MAKTAB_DATABASE_URL:-}" in
postgres*) pg_restore --exit-on-error --no-owner --dbname="$MAKTAB_DATABASE_URL" "$1/maktab.dump" ;;
*) cp "$1/maktab.db" "$MAKTAB_DATA_DIR/" ;;
esac
maktab migrate
maktab audit verify
maktab doctor
