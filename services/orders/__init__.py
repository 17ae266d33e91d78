"""What was agreed: orders of one merchant's products, and whether they are paid.

Owns orders (MongoDB, database `cho_orders`), and keeps copies of what it needs of products and merchants.
Publishes order.placed, .paid, .underpaid, .overpaid and .refunded (OrderChanged) to `orders:events`.
Listens to `catalog:events` (group `orders.products`), `onboarding:events` (group `orders.merchants`) and
`payments:events` (group `orders.payments`): a payment belongs to the order whose code is its reference.

Stock is not reserved: an order says what was agreed, not that it is still on the stall.
"""
