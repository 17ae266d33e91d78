"""What the streams tell Prometheus. Whoever starts the process decides where it is served."""

from prometheus_client import Counter, Gauge

LEDGER_ENTRIES = Counter("cho_ledger_reader_entries_total", "Ledger entries acted on.", ["purpose"])
LEDGER_FAILURES = Counter("cho_ledger_reader_failures_total", "Batches that have to be read again.", ["purpose"])
LEDGER_CURSOR = Gauge("cho_ledger_reader_cursor", "Sequence number acted on last.", ["purpose"])
LEDGER_LAG = Gauge("cho_ledger_reader_lag", "Ledger entries not acted on yet.", ["purpose"])
LEDGER_STOPPED = Gauge("cho_ledger_reader_stopped", "1 where the reader waits for a person.", ["purpose"])

HANDLED = Counter("cho_stream_handled_total", "Events handled.", ["stream", "group"])
FAILED = Counter("cho_stream_failed_total", "Handlings that failed; each is retried or buried.", ["stream", "group"])
DEAD = Counter("cho_stream_dead_total", "Events moved to the dead letters.", ["stream", "group"])
LAG = Gauge("cho_stream_lag", "Events not acknowledged yet, delivered or not.", ["stream", "group"])
LENGTH = Gauge("cho_stream_length", "Entries that the stream holds after trimming.", ["stream"])

PUBLISHED = Counter("cho_outbox_published_total", "Events published from documents.", ["stream"])
RELAY_FAILURES = Counter("cho_outbox_failures_total", "Rounds of the relay that failed.", ["stream"])
