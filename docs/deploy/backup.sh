#!/bin/sh
# backup.sh FOLDER: a backup of a running install into a new folder. Needs the settings of /etc/maktab/env, pg_dump of the
# server's version (or, with SQLite, Maktab's python in the path).
# The keys are not in it: keep them elsewhere, once. Who has both could write the audit log anew.
set -eu
umask 077
mkdir "$1"
# In this order. Anchors first: they must not know more of the audit log than the database. Files last: every file that
# the database names is then there.
[ ! -f "$MAKTAB_DATA_DIR/audit-anchors.log" ] || cp "$MAKTAB_DATA_DIR/audit-anchors.log" "$1/"
case "${MAKTAB_DATABASE_URL:-}" in
postgres*) pg_dump --format=custom --file="$1/maktab.dump" "$MAKTAB_DATABASE_URL" ;;
*) python -c 'import sqlite3, sys; a, b = map(sqlite3.connect, sys.argv[1:]); a.backup(b)' "$MAKTAB_DATA_DIR/maktab.db" "$1/maktab.db" ;;
esac
# 1: a file went or grew while it was read, as they do
tar -C "$MAKTAB_DATA_DIR" --exclude=./keys --exclude='./maktab.db*' --exclude='./queue.db*' --exclude=./audit-anchors.log --exclude=./scratch \
    -cf "$1/data.tar" . || [ $? -eq 1 ]
