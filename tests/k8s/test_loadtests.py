"""The load test in a cluster: its processes find one another, whichever of them is there first."""

from __future__ import annotations

import re

from loadtests import cluster
from tests.k8s.k8s_files import Document, built, labels, matches, of_kind, pod, workloads

# The kubelet starts what ends in vain again after so long at most, s.
BACK_OFF_S_MAX = 300


def master() -> Document:
    return workloads(built("loadtests"))["loadtest"]


def test_load_processes_find_their_master_while_it_is_an_init_container_and_the_pod_is_not_ready() -> None:
    assert "load" in {container["name"] for container in pod(master())["initContainers"]}
    service = of_kind(built("loadtests"), "Service")["loadtest"]["spec"]
    assert matches({"matchLabels": service["selector"]}, labels(master()))
    assert service["publishNotReadyAddresses"] is True


def test_the_master_waits_longer_than_a_load_process_that_ended_in_vain_stays_away() -> None:
    (load,) = (container for container in pod(master())["initContainers"] if container["name"] == "load")
    (wait_s,) = re.findall(r"--expect-workers-max-wait=(\d+)", " ".join(load["args"]))
    assert int(wait_s) > BACK_OFF_S_MAX


def test_after_the_longest_wait_for_people_and_load_there_is_time_for_the_day_and_the_gate() -> None:
    maps = of_kind(built("loadtests"), "ConfigMap")
    (day_s,) = (int(d["data"]["LOADTEST_SECONDS"]) for d in maps.values() if "LOADTEST_SECONDS" in d["data"])
    deadline_s = master()["spec"]["activeDeadlineSeconds"]
    # The rest is for the gate.
    assert deadline_s * 3 / 4 >= cluster.PEOPLE_S_MAX + day_s
