"""A small supervisor for the processes of one machine. It knows nothing of what they do.

    processes = [Process("db", argv=[...], ready=...), Process("app", argv=[...], after=("db",))]
    async with Supervisor(home, processes) as supervisor:
        await supervisor.wait()     # until supervisor.request_stop(); raises ProcessFailed

`process` says what can be run, `run` runs it. `launch` and `forks` are on the processes' side: a program that dies
with its supervisor, and a server that forks processes which share their memory.
"""
