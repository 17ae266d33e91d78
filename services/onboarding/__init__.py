"""Onboarding: who sells where, and where their money goes.

Owns markets, and merchants with their stall, settlement account, state and QR code. Publishes
merchant.activated, merchant.suspended and merchant.reinstated (cho.events.v1.MerchantChanged) on
`onboarding:events`. Listens to nothing.
"""
