"""What is sold: products of merchants' stalls, their lots, prices and stock, what is set aside of it, and finding them.

Owns products, reservations and sheets (MongoDB, database `cho_catalog`) and keeps its own copy of what it needs to know
of merchants, markets, growers and whom they let sell for them.
Publishes product.listed and product.changed (ProductChanged), and stock.reservation_expired, to `catalog:events`.
Listens to `onboarding:events` (groups `catalog.merchants`, `.markets`, `.growers`, `.day_merchants`) and to its own
events (`catalog.days`: what goods cost on which day, services/catalog/day).

Search is a read model that can be thrown away: an SQLite file of each serving process, which follows
`catalog:events` and `onboarding:events`, and is rebuilt from MongoDB when it is missing or too far behind.
"""
