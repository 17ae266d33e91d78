"""What is sold: products of merchants' stalls, their prices and stock, and finding them.

Owns products (MongoDB, database `cho_catalog`) and keeps its own copy of what it needs to know of merchants.
Publishes product.listed and product.changed (ProductChanged) to `catalog:events`.
Listens to `onboarding:events` (group `catalog.merchants`): merchant.activated, .suspended, .reinstated.

Search is a read model that can be thrown away: an SQLite file of each serving process, which follows
`catalog:events` and `onboarding:events`, and is rebuilt from MongoDB when it is missing or too far behind.
"""
