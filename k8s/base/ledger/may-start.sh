#!/bin/sh
# Holds back a primary whose directory is empty: started, it would empty its copy, which may hold all the money.
# A copy may start empty; it asks the primary.
set -eu
[ "$POD_NAME" = "$LEDGER_PRIMARY" ] || exit 0
until ls /data/appendonlydir/*.manifest >/dev/null 2>&1 || [ -e /data/found-here ]; do
    echo "The primary $POD_NAME has no data. If this ledger has never run, found it:" \
        "kubectl -n cho exec $POD_NAME -c may-start -- touch /data/found-here" \
        "If it has, promote the copy instead: docs/kubernetes.md" >&2
    sleep 10
done
