"""What was paid: wallets, agents' floats, merchant accounts, and every transfer between them.

Owns the ledger: the functions in `store/functions`, which run inside Valkey, and the stream that they write.
Publishes `payment.captured` and `payment.refunded` on `payments:events`, those that name an order, a bill or an earlier
payment on `payments:named` too, what becomes of money set aside for merchants on `payments:holds`, and each merchant's
live announcements.
Listens to `onboarding:events` for who may be paid, and to `catalog:events` for what merchants' own systems are told of
their goods.
"""
