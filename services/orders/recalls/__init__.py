"""Recalls for food safety: a lot that is not sold any more, every order that took from it, their money back in bulk.

Owns recalls and their lines (an order each). Publishes recall.opened, .listed, .released, .withdrawn and .finished
(RecallChanged) to `orders:events`. What a recall does to an order is services/orders/saga/recalled.py; docs/recalls.md
tells it to people.
"""
