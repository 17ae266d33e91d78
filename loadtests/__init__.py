"""A peak market day, played by Locust against the gateway, and checked to the đồng.

`python -m loadtests.headless` starts a stack of its own, gathers people (stage.py), lets Locust run as processes of its
own (they are gevent; nothing else here is), and then ties what they were told to the ledger, its books, the stalls'
announcements and the settlement reports (gate/). It ends in a signed certificate (report/). Only loopback is loaded.
"""
