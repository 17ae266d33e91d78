"""Identity: who you are.

Owns people (phone, PIN, roles, institution), their devices, sessions and links to an outside provider, the log of who
looked at their data, and the keys that tokens are signed with. A
phone and its PIN give a 15-minute ES256 token, which the gateway verifies against this service's JWKS, and a refresh
token that is traded once. The token says when the PIN was last entered (sign-in, step-up) and how long the device is
known; what follows for money is payments' affair. Publishes `user.created`, `user.changed` and `user.erased` on
`identity:events`, with what finds a person by their phone. Listens to
`orders:events` (group `identity.recalls`): buyers are told by SMS that something they bought is recalled.
"""
