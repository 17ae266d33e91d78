"""What was agreed: checkouts, orders of one stall each, and what becomes of them.

Owns orders and checkouts (MongoDB, database `cho_orders`), and keeps copies of what it needs of products,
merchants and people.
Publishes order.placed, .paid, .expired, .cancelled and the others of docs/orders.md (OrderChanged) to `orders:events`.
Listens to `catalog:events` (group `orders.products`), `onboarding:events` (group `orders.merchants`), `identity:events`
(group `orders.people`), and to `payments:named` and `payments:holds` (groups `orders.payments` and `orders.holds`): a
payment or hold belongs to the order whose code is its reference. Invoices (invoices/) hear of orders, refunds,
merchants and markets in groups of their own, `orders.invoices`.

Ratings (ratings/) are what buyers say of what they have. Recalls (recalls/) take a lot out of sale and give back what
was paid for it.

Its server asks catalog to set stock aside and sell it, and payments to take, give up and give back (peers.py); each
step stands in the order's document before it is done (saga), and is carried on where it was cut off (carrier.py).
"""
