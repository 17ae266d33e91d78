"""An outside provider of OpenID Connect, as VNeID or Thái Nguyên ID would be: real enough to sign in through.

It knows a few made-up citizens, and whoever opens its page says which one they are: it proves nothing, and runs where
CHO_ENV=local only. Authorization code with PKCE (S256 only), a code works once, keys turn on demand.
"""
