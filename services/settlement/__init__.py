"""What is owed: the books, settlement windows, net positions, reports.

Owns the journal: every event of the ledger, in order, hash-chained, in MongoDB. It is a second, independent copy of
the money, and the start gate compares the hot ledger with it before anybody may pay.
Publishes `window.closed` on `settlement:events`. Listens to the ledger's stream, and to
`onboarding:events` (group `settlement.sellers`): which merchants are one tax code.
"""
