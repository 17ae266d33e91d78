"""A peak market day, played by Locust against the gateway, and checked to the đồng.

`python -m loadtests.headless` starts a stack of its own, gathers shoppers with wallets (cli.crowd), lets Locust run
as a process of its own (it is gevent; nothing else here is), and then compares what the shoppers were told with the
ledger and its books. Only loopback is ever loaded.
"""
