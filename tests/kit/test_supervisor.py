"""The supervisor, with real processes: small programs that serve a port, crash, hang or fork."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit import ports
from kit.supervisor import logs, priority
from kit.supervisor.process import HomeBusy, Process, ProcessFailed, State, Status, check_order
from kit.supervisor.run import Supervisor

pytestmark = pytest.mark.timeout(60)
PYTHON = (sys.executable, "-I", "-S", "-c")
WAIT_S_MAX = 60

# Sleeps until SIGTERM, noting its begin and end.
WORKER = """
import os, signal, sys, time
name, notes = sys.argv[1:]
def note(what):
    with open(notes, "a") as file:
        file.write(f"{what} {name}\\n")
def end(*_):
    note("end")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
note("begin")
signal.pause()
"""

FAMILY = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from kit.supervisor import child, forks

def steady():
    child.announce_ready()
    signal.pause()

def silent():
    signal.pause()

def broken():
    raise LookupError("cannot work")

def quick():
    pass

forks.serve({"steady": steady, "other": steady, "silent": silent, "broken": broken, "quick": quick})
"""

# The processor is taken away from who is about to read its commands, for as long as a child takes to end.
LATE_READER = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>

ssize_t read(int descriptor, void *to, size_t most) {
    ssize_t (*really)(int, void *, size_t) = dlsym(RTLD_NEXT, "read");
    struct timespec left = {0, 300000000};
    if (descriptor == 0) while (nanosleep(&left, &left) == -1 && errno == EINTR);
    return really(descriptor, to, most);
}
"""
REPOSITORY = str(Path(__file__).parents[2])


def family(name: str = "family") -> Process:
    return Process(name, argv=[*PYTHON, FAMILY, REPOSITORY], forks=True)


def sleeper(name: str, **more: Any) -> Process:
    return Process(name, argv=[*PYTHON, "import signal; signal.pause()"], **more)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 50))


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_S_MAX):
        while not holds():  # noqa: ASYNC110 - what is awaited is in other processes
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    """Runs, and is no zombie that a container's first process never buries."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def status_of(supervisor: Supervisor, name: str) -> Status:
    return next(status for status in supervisor.statuses() if status.name == name)


def pid_of(supervisor: Supervisor, name: str) -> int:
    pid = status_of(supervisor, name).pid
    assert pid is not None
    return pid


def test_a_process_starts_only_when_those_it_comes_after_are_ready(tmp_path: Path) -> None:
    async def scenario() -> None:
        gate, seen = tmp_path / "gate", list[dict[str, State]]()

        async def opened() -> bool:
            return gate.exists()

        slow = sleeper("slow", ready=opened)
        late = sleeper("late", after=("slow",))
        supervisor = Supervisor(tmp_path, [late, slow], lambda all_: seen.append({s.name: s.state for s in all_}))
        starting = asyncio.create_task(supervisor.__aenter__())
        await until(lambda: seen and seen[-1]["slow"] == State.STARTING)
        assert all(states["late"] == State.WAITING for states in seen)
        gate.touch()
        await starting
        assert seen[-1] == {"slow": State.READY, "late": State.READY}
        await supervisor.__aexit__()

    run(scenario())


def test_processes_stop_in_reverse_order_and_none_is_left(tmp_path: Path) -> None:
    notes = tmp_path / "notes"

    def worker(name: str, *after: str) -> Process:
        async def begun() -> bool:
            return f"begin {name}\n" in notes.read_text()

        return Process(name, argv=[*PYTHON, WORKER, name, str(notes)], after=after, ready=begun)

    async def scenario() -> None:
        async with Supervisor(tmp_path, [worker("c", "b"), worker("a"), worker("b", "a")]) as supervisor:
            pids = [pid_of(supervisor, name) for name in "abc"]
            assert all(map(alive, pids))
        assert not any(map(alive, pids))

    run(scenario())
    order = ["begin a", "begin b", "begin c", "end c", "end b", "end a"]
    assert notes.read_text().splitlines() == order


def test_a_killed_process_is_started_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Supervisor(tmp_path, [sleeper("it")]) as supervisor:
            first = pid_of(supervisor, "it")
            os.kill(first, signal.SIGKILL)
            await until(lambda: status_of(supervisor, "it").restarts == 1)
            await until(lambda: status_of(supervisor, "it").state == State.READY)
            assert pid_of(supervisor, "it") != first

    run(scenario())


def test_a_process_that_keeps_ending_fails_the_whole_and_shows_its_log(tmp_path: Path) -> None:
    async def scenario() -> None:
        pids = list[int]()
        bad = Process("bad", argv=[*PYTHON, "raise SystemExit('the disk is upside down')"], after=("good",))
        supervisor = Supervisor(
            tmp_path, [sleeper("good"), bad], lambda all_: pids.extend(s.pid for s in all_ if s.pid)
        )
        async with supervisor:
            with pytest.raises(ProcessFailed, match=r"(?s)bad: ended 5 times.*status 1.*the disk is upside down"):
                await supervisor.wait()
        assert not any(map(alive, pids))

    run(scenario())


def test_a_process_that_does_not_get_ready_in_time_is_named_with_its_log(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    async def scenario() -> None:
        code = "import signal; print('still thinking', flush=True); signal.pause()"
        stuck = Process("stuck", argv=[*PYTHON, code], ready=never, ready_s_max=0.5)
        with pytest.raises(ProcessFailed, match=r"(?s)stuck: not ready after 0.5 s.*still thinking"):
            async with Supervisor(tmp_path, [stuck]):
                pytest.fail("it cannot be ready")

    run(scenario())


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    code = "import signal; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True)\nwhile True: signal.pause()"

    async def deaf() -> bool:
        return "deaf" in (tmp_path / "log" / "it.log").read_text()

    async def scenario() -> None:
        async with Supervisor(tmp_path, [Process("it", argv=[*PYTHON, code], ready=deaf, stop_s_max=0.2)]) as s:
            pid = pid_of(s, "it")
        assert not alive(pid)

    run(scenario())


def test_what_has_to_be_done_once_is_waited_for_and_its_failure_is_that_of_the_whole(tmp_path: Path) -> None:
    async def scenario(status: int) -> None:
        once = Process("once", argv=[*PYTHON, f"print('made'); raise SystemExit({status})"], once=True)
        async with Supervisor(tmp_path, [once, sleeper("next", after=("once",))]) as supervisor:
            assert status_of(supervisor, "once").state == State.DONE
            assert status_of(supervisor, "next").state == State.READY

    run(scenario(0))
    with pytest.raises(ProcessFailed, match=r"(?s)once: ended with status 3.*made"):
        run(scenario(3))


def test_what_is_asked_to_drain_gets_its_signal_afterwards(tmp_path: Path) -> None:
    async def scenario() -> None:
        states = list[bool]()

        async def drain() -> None:
            states.append(alive(pid))

        async with Supervisor(tmp_path, [sleeper("it", drain=drain)]) as supervisor:
            pid = pid_of(supervisor, "it")
        assert states == [True]

    run(scenario())


def test_an_observer_that_fails_keeps_no_process_from_being_started_again_or_stopped(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async def scenario() -> None:
        seen: list[Status] = []

        def broken(statuses: list[Status]) -> None:
            seen[:] = statuses
            raise OSError("the disk is full")

        teller = Process("teller", parent="family", announces=True)
        parent = Process("family", argv=[*PYTHON, TELLER, REPOSITORY], forks=True)
        async with Supervisor(tmp_path, [parent, teller, sleeper("it")], broken) as supervisor:
            for name in ("teller", "it"):
                first = pid_of(supervisor, name)
                os.kill(first, signal.SIGKILL)
                await until(lambda name=name: status_of(supervisor, name).restarts == 1)  # type: ignore[misc]
                await until(lambda name=name: status_of(supervisor, name).state == State.READY)  # type: ignore[misc]
        assert {status.state for status in seen} == {State.STOPPED}

    run(scenario())
    assert "the disk is full" in capfd.readouterr().err


def test_a_stop_during_the_start_ends_it(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    async def scenario() -> None:
        supervisor = Supervisor(tmp_path, [sleeper("stuck", ready=never)])
        asyncio.get_running_loop().call_later(0.2, supervisor.request_stop)
        async with supervisor:
            assert supervisor.stopping

    run(scenario())


def test_two_supervisors_cannot_share_a_home(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Supervisor(tmp_path, [sleeper("it")]):
            with pytest.raises(HomeBusy):
                await Supervisor(tmp_path, [sleeper("it")]).__aenter__()
        async with Supervisor(tmp_path, [sleeper("it")]):
            pass

    run(scenario())


def test_needs_that_are_missing_or_circular_are_refused() -> None:
    with pytest.raises(ValueError, match="no process is named ghost"):
        check_order({"a": sleeper("a", after=("ghost",))})
    with pytest.raises(ValueError, match="each waits for another: a, b"):
        check_order({"a": sleeper("a", after=("b",)), "b": sleeper("b", after=("a",))})


def test_forked_processes_start_when_ready_and_are_forked_again_when_killed(tmp_path: Path) -> None:
    async def scenario() -> None:
        children = [Process(name, parent="family", announces=True) for name in ("steady", "other")]
        async with Supervisor(tmp_path, [family(), *children]) as supervisor:
            parent, first, other = (pid_of(supervisor, name) for name in ("family", "steady", "other"))
            os.kill(first, signal.SIGKILL)
            await until(lambda: status_of(supervisor, "steady").restarts == 1)
            await until(lambda: status_of(supervisor, "steady").state == State.READY)
            assert pid_of(supervisor, "steady") != first
            assert (pid_of(supervisor, "family"), pid_of(supervisor, "other")) == (parent, other)
        assert not any(map(alive, (parent, first, other)))

    run(scenario())


def test_when_a_fork_server_dies_it_and_its_children_are_started_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        children = [Process(name, parent="family", announces=True) for name in ("steady", "other")]
        async with Supervisor(tmp_path, [family(), *children]) as supervisor:
            names = ("family", "steady", "other")
            before = [pid_of(supervisor, name) for name in names]
            os.kill(before[0], signal.SIGKILL)
            await until(lambda: all(status_of(supervisor, name).restarts == 1 for name in names))
            assert not any(map(alive, before))
            await until(lambda: all(status_of(supervisor, name).state == State.READY for name in names))

    run(scenario())


def test_a_forked_process_that_cannot_work_fails_the_whole_and_shows_its_own_log(tmp_path: Path) -> None:
    async def scenario() -> None:
        broken = Process("broken", parent="family", announces=True)
        with pytest.raises(ProcessFailed, match=r"(?s)broken: ended 5 times.*LookupError: cannot work"):
            async with Supervisor(tmp_path, [family(), broken]):
                pytest.fail("it cannot be ready")

    run(scenario())


def test_a_forked_process_that_does_not_announce_itself_is_not_ready(tmp_path: Path) -> None:
    async def scenario() -> None:
        silent = Process("silent", parent="family", announces=True, ready_s_max=0.5)
        with pytest.raises(ProcessFailed, match=r"silent: not ready after 0\.5 s"):
            async with Supervisor(tmp_path, [family(), silent]):
                pytest.fail("it cannot be ready")

    run(scenario())


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler: nothing else can come between a signal and a read")
def test_a_forked_process_that_ends_while_its_parent_is_about_to_read_is_known_to_have_ended(tmp_path: Path) -> None:
    late = tmp_path / "late.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", late, "-ldl"], input=LATE_READER, text=True, check=True
    )

    async def scenario() -> None:
        parent = replace(family(), env={"LD_PRELOAD": str(late)})
        async with Supervisor(tmp_path, [parent, Process("quick", parent="family", once=True, ready_s_max=10)]) as it:
            assert status_of(it, "quick").state == State.DONE

    run(scenario())


def test_a_thread_started_by_an_import_is_refused_before_any_fork(tmp_path: Path) -> None:
    async def scenario() -> None:
        code = "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()\n" + FAMILY
        threaded = Process("threaded", argv=[*PYTHON, code, REPOSITORY], forks=True)
        with pytest.raises(ProcessFailed, match="1 threads run after the imports"):
            async with Supervisor(tmp_path, [threaded]):
                pytest.fail("it cannot be ready")

    run(scenario())


def test_a_held_process_stays_stopped_until_it_is_released(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Supervisor(tmp_path, [sleeper("it"), sleeper("other")]) as supervisor:
            first, other = pid_of(supervisor, "it"), pid_of(supervisor, "other")
            await supervisor.hold("it", "a person looks at it")
            assert not alive(first)
            await asyncio.sleep(0.3)  # longer than the first pause before a restart
            status = status_of(supervisor, "it")
            assert (status.state, status.pid, status.note) == (State.HELD, None, "a person looks at it")
            supervisor.release("it")
            await until(lambda: status_of(supervisor, "it").state == State.READY)
            assert (status_of(supervisor, "it").note, pid_of(supervisor, "other")) == ("", other)

    run(scenario())


def said(file: Path) -> str:
    """What the kernel says there; nothing where it has no such file."""
    return file.read_text().strip() if file.exists() else ""


def test_a_process_that_gives_way_lets_others_have_the_processor_first(tmp_path: Path) -> None:
    async def scenario() -> None:
        behind = replace(sleeper("behind"), gives_way=True)
        async with Supervisor(tmp_path, [behind, sleeper("other")]) as supervisor:
            pid, other = pid_of(supervisor, "behind"), pid_of(supervisor, "other")
            await until(lambda: os.getpriority(os.PRIO_PROCESS, pid) == priority.NICENESS)
            assert os.getpriority(os.PRIO_PROCESS, other) == os.getpriority(os.PRIO_PROCESS, 0)
            if said(Path("/proc/sys/kernel/sched_autogroup_enabled")) == "1":
                await until(lambda: said(Path(f"/proc/{pid}/autogroup")).endswith(f"nice {priority.NICENESS}"))
                assert said(Path(f"/proc/{other}/autogroup")).endswith("nice 0")

    run(scenario())


def test_a_process_can_be_held_while_it_starts_and_while_it_waits(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    async def scenario() -> None:
        supervisor = Supervisor(tmp_path, [sleeper("slow", ready=never), sleeper("late", after=("slow",))])
        starting = asyncio.create_task(supervisor.__aenter__())
        await until(lambda: supervisor.statuses() and status_of(supervisor, "slow").pid)
        slow = pid_of(supervisor, "slow")
        for name in ("slow", "late"):
            await supervisor.hold(name, "not now", kill=True)
            assert status_of(supervisor, name).state == State.HELD
        assert not alive(slow)
        supervisor.request_stop()
        await starting
        await supervisor.__aexit__()

    run(scenario())


def test_a_kill_that_was_asked_for_is_no_crash(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Supervisor(tmp_path, [sleeper("it")]) as supervisor:
            for number in range(1, 8):  # more than may crash in a minute
                await supervisor.kill("it")
                await until(lambda: status_of(supervisor, "it").state == State.READY)
                assert status_of(supervisor, "it").restarts == number
            with pytest.raises(KeyError):
                await supervisor.kill("nobody")

    run(scenario())


def test_a_restart_ends_a_process_in_good_order_and_asks_for_its_environment_again(tmp_path: Path) -> None:
    notes, given = tmp_path / "notes", iter("12")
    code = WORKER.replace('note("begin")', 'note(os.environ["GIVEN"])')

    async def scenario() -> None:
        worker = Process("it", argv=[*PYTHON, code, "it", str(notes)], env_now=lambda: {"GIVEN": next(given)})
        async with Supervisor(tmp_path, [worker]) as supervisor:
            await until(lambda: notes.exists() and "1 it" in notes.read_text())
            await supervisor.restart("it")
            await until(lambda: "2 it" in notes.read_text())

    run(scenario())
    assert notes.read_text().splitlines() == ["1 it", "end it", "2 it", "end it"]


@pytest.mark.parametrize("how", ["it keeps ending", "it cannot be prepared", "it is not ready in time"])
def test_a_process_with_a_remedy_is_held_where_it_cannot_run_and_the_others_go_on(tmp_path: Path, how: str) -> None:
    tries: list[bool] = []

    def note() -> None:
        tries.append(True)

    def refuse() -> None:
        note()
        raise OSError("the disk is upside down")

    async def never() -> bool:
        return False

    bad = {
        "it keeps ending": Process("bad", argv=[*PYTHON, "raise SystemExit(3)"], prepare=note, remedy="turn the disk"),
        "it cannot be prepared": sleeper("bad", prepare=refuse, remedy="turn the disk"),
        "it is not ready in time": sleeper("bad", prepare=note, ready=never, ready_s_max=0.2, remedy="turn the disk"),
    }[how]
    reason = {
        "it keeps ending": "ended 5 times within 60 s, lastly with status 3",
        "it cannot be prepared": "not started: the disk is upside down",
        "it is not ready in time": "not ready after 0.2 s",
    }[how]

    async def scenario() -> None:
        supervisor = Supervisor(tmp_path, [bad, sleeper("good")])
        starting = asyncio.create_task(supervisor.__aenter__())
        await until(lambda: supervisor.statuses() and status_of(supervisor, "bad").state == State.HELD)
        await until(lambda: status_of(supervisor, "good").state == State.READY)
        status = status_of(supervisor, "bad")
        assert status.pid is None
        assert status.note == f"{reason}; see {status.log}. Next: turn the disk"
        before = len(tries)
        supervisor.release("bad")  # nothing was put right: it is held again
        await until(lambda: len(tries) > before)
        await until(lambda: status_of(supervisor, "bad").state == State.HELD)
        supervisor.request_stop()
        await starting
        await supervisor.__aexit__()

    run(scenario())


TELLER = FAMILY.replace(
    "def silent():",
    """def teller():
    child.tell('waits for "the gate"\\n' + "x" * 1000)
    child.announce_ready()
    signal.signal(signal.SIGUSR1, lambda *_: child.tell(""))
    while True:
        signal.pause()

def silent():""",
).replace('"steady": steady', '"steady": steady, "teller": teller')


def test_what_a_forked_process_tells_is_shown_until_it_takes_it_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        parent = Process("family", argv=[*PYTHON, TELLER, REPOSITORY], forks=True)
        teller = Process("teller", parent="family", announces=True)
        seen = list[str]()
        async with Supervisor(
            tmp_path, [parent, teller], lambda all_: seen.extend(s.note for s in all_ if s.note)
        ) as supervisor:
            await until(lambda: status_of(supervisor, "teller").note)
            note = status_of(supervisor, "teller").note
            assert note.startswith("waits for  the gate  xxx")
            assert len(note) == 400
            assert note in seen
            os.kill(pid_of(supervisor, "teller"), signal.SIGUSR1)
            await until(lambda: not status_of(supervisor, "teller").note)

    run(scenario())


SUPERVISED = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {repository!r})
sys.path.insert(0, {here!r})
from test_supervisor import Process, Supervisor, family, sleeper

async def main():
    children = [family(), sleeper("it"), Process("steady", parent="family", announces=True)]
    async with Supervisor(Path({home!r}), children) as supervisor:
        print([status.pid for status in supervisor.statuses()], flush=True)
        await supervisor.wait()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux only")
def test_a_killed_supervisor_leaves_no_process_behind(tmp_path: Path) -> None:
    code = SUPERVISED.format(repository=REPOSITORY, here=str(Path(__file__).parent), home=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout
        pids = json.loads(supervisor.stdout.readline())
        assert all(map(alive, pids))
        supervisor.kill()
    deadline = time.monotonic() + WAIT_S_MAX
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(alive, pids))


def test_a_large_log_makes_room_and_keeps_one_older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LOG_BYTES_MAX", 100)
    log = tmp_path / "it.log"
    log.write_text("x" * 101)
    logs.bound(log)
    assert (log.stat().st_size, (tmp_path / "it.log.1").stat().st_size) == (0, 101)
    log.write_text("\n".join(map(str, range(30))))
    logs.bound(log)
    assert logs.tail(log).splitlines() == [str(line) for line in range(5, 30)]


def test_a_port_is_handed_out_once_to_all_processes_of_the_machine() -> None:
    port = ports.take_any()
    assert ports.is_free(port)
    with pytest.raises(ports.NoPort):
        ports.take(port)
    code = f"import sys; sys.path.insert(0, {REPOSITORY!r}); from kit import ports; print(ports.take_from({port}))"
    elsewhere = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(elsewhere.stdout) > port
    ports.give_back(port)
    assert ports.take(port) == port
    ports.give_back(port)
