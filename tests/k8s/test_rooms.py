"""Every room has what its code asks for: who sends texts the way to do it, who keeps files a place that lasts."""

from __future__ import annotations

from cli.processes import ROOMS
from kit.config import SERVICES
from tests.k8s.imports import reached, upload_kinds
from tests.k8s.k8s_files import Document, built, labels, matches, of_kind, pod, workloads

PRODUCTION = "overlays/production"
SMS = {"CHO_SMS_URL", "CHO_SMS_TOKEN"}
HTTPS = 443
# Its worker imports these stores for what they say of a file, and opens none.
OPENS_NONE = {"onboarding-work"}


def rooms_that_reach(module: str) -> set[str]:
    """By their workloads' names."""
    return {
        f"{service}-{kind}"
        for service in SERVICES
        for kind, room in ROOMS.items()
        if module in reached(f"services.{service}.{room}")
    }


def given(workload: Document) -> dict[str, Document]:
    """The variables of its main container that come from a Secret's key."""
    (container,) = pod(workload)["containers"]
    found = {one["name"]: one.get("valueFrom", {}).get("secretKeyRef") for one in container.get("env", ())}
    return {name: ref for name, ref in found.items() if ref}


def reaches_the_internet(workload: Document, port: int) -> bool:
    """Whether an egress policy of production lets it."""
    rules = [
        rule
        for policy in of_kind(built(PRODUCTION), "NetworkPolicy").values()
        if matches(policy["spec"]["podSelector"], labels(workload))
        for rule in policy["spec"].get("egress", ())
    ]
    return any(
        {"protocol": "TCP", "port": port} in rule["ports"]
        and any(peer.get("ipBlock", {}).get("cidr") == "0.0.0.0/0" for peer in rule["to"])
        for rule in rules
    )


def mounts(workload: Document) -> dict[str, tuple[str, bool]]:
    """By path, the claim that is mounted there and whether it may be written to."""
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in pod(workload)["volumes"]
        if "persistentVolumeClaim" in volume
    }
    (container,) = pod(workload)["containers"]
    return {
        mount["mountPath"]: (claims[mount["name"]], not mount.get("readOnly", False))
        for mount in container["volumeMounts"]
        if mount["name"] in claims
    }


def test_whoever_sends_text_messages_knows_who_carries_them_and_reaches_them_and_nobody_else_knows() -> None:
    senders = rooms_that_reach("kit.sms")
    assert {"identity-serve", "identity-work", "onboarding-serve"} <= senders
    found = workloads(built(PRODUCTION))
    for name in senders:
        assert given(found[name]).keys() >= SMS, name
        assert reaches_the_internet(found[name], HTTPS), name
    for name in found.keys() - senders:
        assert not given(found[name]).keys() & SMS, name


def test_only_who_sends_text_messages_and_payments_reach_the_internet() -> None:
    found = workloads(built(PRODUCTION))
    out = {name for name, workload in found.items() if reaches_the_internet(workload, HTTPS)}
    assert out == rooms_that_reach("kit.sms") | {"payments-serve", "payments-work"}


def test_every_kind_of_uploaded_file_lies_on_a_volume_that_outlives_the_pod_and_that_all_pods_share() -> None:
    kinds = set(upload_kinds())
    assert {kind for _, kind in kinds} >= {"documents", "photos", "stall-photos"}
    found, claims = workloads(built("base")), of_kind(built("base"), "PersistentVolumeClaim")
    for module, kind in kinds:
        rooms = rooms_that_reach(module) - OPENS_NONE
        assert rooms, module
        for name in rooms:
            claim, may_write = mounts(found[name])[f"/var/lib/cho/{kind}"]
            assert may_write, (name, kind)
            assert claims[claim]["spec"]["accessModes"] == ["ReadWriteMany"], claim


def test_settlements_server_and_worker_write_to_the_same_exchange() -> None:
    found = workloads(built("base"))
    for name in ("settlement-serve", "settlement-work"):
        assert mounts(found[name])["/var/lib/cho/exchange"] == ("settlement-exchange", True), name


def test_archived_months_outlive_the_pod_whose_clerk_wrote_them() -> None:
    found, claims = workloads(built("base")), of_kind(built("base"), "PersistentVolumeClaim")
    claim, may_write = mounts(found["settlement-work"])["/var/lib/cho/archive"]
    assert may_write
    assert claims[claim]["spec"]["accessModes"] == ["ReadWriteMany"]
