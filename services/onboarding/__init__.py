"""Onboarding: who sells where, and where their money goes.

Owns markets with their days, sections and stalls; merchants from the draft to the end, with what a reviewer found, who
did what, their photos, settlement account and QR code; enterprises, and which grower lets which stall sell for it;
imports of whole markets; stands, and alarms of stalls whose code was swapped.

Publishes on `onboarding:events` (cho.events.v1): merchant.* (MerchantChanged, AccountChangeTold), market.*, stall.*,
stand.*, sentinel.*, enterprise.registered, relation.*. Listens to `identity:events` (whose phone it is), and reads
`payments:events` from a cursor of its own (which stalls are paid: sentinel). Its server asks
payments whether a merchant that is to be closed is owed money.
"""
