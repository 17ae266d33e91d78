"""Identity: who you are.

Owns people (phone, PIN, roles, institution), their devices and sessions, and the keys that tokens are signed with. A
phone and its PIN give a 15-minute ES256 token, which the gateway verifies against this service's JWKS, and a refresh
token that works once. The token says when the PIN was last entered (sign-in, step-up) and how long the device is known;
what follows for money is payments' affair. Publishes `user.created` and `user.changed` on `identity:events`, with what
finds a person by their phone. Listens to nothing.
"""
