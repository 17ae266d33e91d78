"""Payouts to merchants and net positions of institutions: decided, posted, sent in files, answered by banks."""
