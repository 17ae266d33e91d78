"""A settlement bank and three telecoms of our own, spoken to through exchange folders, with faults on demand.

`python -m simulators.institutions`, or `cho simulate institutions`. They are strangers: they import nothing of the
services', and read and write ISO 20022 and CSV by code of their own, so that neither side can drift. What they did is
in synced SQLite files under `<home>/simulators` and survives kill -9: nothing is done twice, nothing is lost.

    from simulators.institutions.ticks import tick
    for did in tick(home, now): ...       # whatever waits in the folders, and what has become due

`<home>/exchange/<INSTITUTION>/out` is what an institution is given, `/in` where it answers, `/faults.json` what it is
to do wrong (`faults.py`). docs/institutions.md says how to run them and what they do not imitate.
"""
