"""The hot ledger: what payments keeps in Valkey, and the only way to it."""
