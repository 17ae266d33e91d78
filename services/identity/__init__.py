"""Identity: who you are.

Owns people (phone, PIN, roles, institution), their sessions and the keys that tokens are signed with. A phone
and its PIN give a 15-minute ES256 token, which the gateway verifies against this service's JWKS, and a
refresh token that works once. Publishes `user.created` on `identity:events`. Listens to nothing.
"""
