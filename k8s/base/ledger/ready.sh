#!/bin/sh
# Ready: its data is loaded, and a copy's link to the primary stands.
set -eu
export REDISCLI_AUTH="$LEDGER_PASSWORD"
[ "$(valkey-cli ping)" = PONG ]
[ "$POD_NAME" = "$LEDGER_PRIMARY" ] || valkey-cli info replication | grep -q master_link_status:up
