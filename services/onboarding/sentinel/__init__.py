"""Watches that the code at a stall still pays its vendor: what scans find, and stalls that go quiet while their
neighbours are busy."""
