"""Reconciliation: what our books expect against what a bank or telecom shows, and the life of what differs."""
