"""A card provider of our own that speaks Stripe's API over plain HTTP on loopback, with faults on demand.

`python -m simulators.card [--port N] [--state FILE] [--webhook-url URL]`; secrets and defaults are settings. What it
did is in one synced SQLite file and survives kill -9. Spoken: payment intents (create, confirm, cancel, retrieve,
list), refunds (create, retrieve, list), charges, disputes and events (retrieve, list), idempotency keys, signed
webhooks. VND only, amounts in whole đồng. A card is one of Stripe's test tokens (`cards.py`); one that wants 3-D Secure
sends the customer to `/3ds/...` (`bank.py`). `GET /healthz` answers 200 once it serves.

Control, `Authorization: Bearer <CHO_CARD_CONTROL_SECRET>`, JSON:

POST   /control/faults                     arm one: {"kind", "on"?, "times"?, "ms"?, "copies"?, "code"?} (`faults.py`)
GET    /control/faults                     {"faults": [...]}: those still armed
DELETE /control/faults                     disarm all
POST   /control/disputes                   {"payment_intent", "amount"?, "reason"?}: the dispute
POST   /control/disputes/{id}/close        {"status": "won"|"lost"}: the dispute
POST   /control/refunds/{id}/settle        {"status": "succeeded"|"failed"}: the refund
GET    /control/deliveries                 {"deliveries": [...]}: the newest 100
GET    /control/events/{id}/deliveries     an event's
POST   /control/events/{id}/deliver        once more
"""
