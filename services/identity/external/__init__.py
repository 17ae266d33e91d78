"""Signing in through an outside provider of OpenID Connect (Core 1.0): authorization code, PKCE, state, nonce."""
