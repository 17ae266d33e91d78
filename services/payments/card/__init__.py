"""Talking to a card provider by Stripe's API.

`calls` what we may ask, `objects` what it tells us, `failures` what a failure proves, `replies` which answer means
what, `client` the two connections, `webhook` its events as they come to us. All but `client` is pure.
"""
