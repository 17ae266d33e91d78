"""A small supervisor for the processes of one machine. It knows nothing of what they do.

    processes = [Process("db", argv=[...], ready=...), Process("app", argv=[...], after=("db",))]
    async with Supervisor(home, processes) as supervisor:
        await supervisor.wait()     # until supervisor.request_stop(); raises ProcessFailed

`process` says what can be run, `run` runs it. `launch`, `forks` and `child` are on the processes' side: a program that
dies with its supervisor, a server that forks processes which share their memory, and what one of those tells.
"""
