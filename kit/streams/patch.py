"""Makes this process cooperative. Only workers import it, before anything that imports `socket` or
`threading`.

eventlet warns of its own retirement on import; nameko needs it, so the warning is silenced here and nowhere
else.
"""

import os
import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
    import eventlet

eventlet.monkey_patch()

# Workers are forked from a parent that imported everything: a child must not share its parent's epoll.
os.register_at_fork(after_in_child=eventlet.hubs.use_hub)
