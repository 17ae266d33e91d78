"""Streams: how services hear of each other's facts, and how everybody reads the ledger.

For workers (eventlet, nameko; DESIGN D5): `patch` first, then `runner.run`; `ledger.ledger_reader` reads a
cell's ledger in order, `group.stream_handler` hears a service's events, `relay.Relay` publishes what
documents keep in their outbox. For everybody (no eventlet, no nameko, no grpc): `entry`, `event`, `names`,
`clients`, `dead`, `once`, `trim`.
"""
