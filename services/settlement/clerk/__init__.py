"""Settlement's clerk: closes windows when they are due, nets them, pays out, writes files, reads what comes back.

A process that the worker starts when there is something to do, and that ends when there is nothing left: what it needs
for a window of a million payments is given back. One at a time, by a lock. It can be killed anywhere (`crash.POINTS`
names the places that the tests kill it at): every step is either written whole or done again with the same outcome.
"""
