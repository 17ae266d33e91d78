"""Cash-register e-invoices of orders: numbered without a gap, sent to the tax authority, adjusted, replaced, looked up.

An order that is paid gets one where its seller issues any; what is given back later adjusts it. What the law says of
them, what is assumed, and what is not known: docs/tax.md.
"""
