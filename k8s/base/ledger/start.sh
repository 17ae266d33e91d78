#!/bin/sh
# Starts the ledger's server: as the primary where this pod is it (LEDGER_PRIMARY), else as the primary's copy.
set -eu
umask 077
if ls /data/appendonlydir/*.manifest >/dev/null 2>&1; then
    rm -f /data/found-here  # it was for the first start only
fi
{
    cat /etc/ledger/valkey.conf
    # Clients call functions, read, write and wait. Nobody empties the ledger or turns it round over the network.
    echo "user default on >$LEDGER_PASSWORD ~* &* +@all -flushall -flushdb -swapdb -migrate -replicaof -slaveof -debug"
    echo "primaryauth $LEDGER_PASSWORD"
    if [ "$POD_NAME" = "$LEDGER_PRIMARY" ]; then
        echo "min-replicas-to-write 1"
    else
        echo "replicaof $LEDGER_PRIMARY.ledger-pods 6379"
    fi
} >/run/valkey/valkey.conf
exec valkey-server /run/valkey/valkey.conf
