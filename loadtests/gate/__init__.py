"""The money gate: what people were told, against the ledger, its books, the stalls' announcements and the settlement
reports, to the last đồng. `collect.py` gathers the evidence, `tie.py` compares it, `watch.py` looks while it runs.
"""
