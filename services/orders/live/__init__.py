"""Live sales: a few lots at a price of their own, for a while, to whoever comes first (docs/live-sales.md).

Owns sales (MongoDB, collection `live_sales`) and, while they last, their counters and claims (the streams' Valkey,
`orders:live:{...}`). Publishes live.scheduled, .opened, .closed, .settled and .cancelled (LiveSaleChanged) to
`orders:events`. A claim is decided by one atomic function in Valkey (pool.py); the keeper (keeper.py) makes orders of
claims, and sees to it that stock is set aside once before a sale and sold once after it.
"""
