"""The image, as far as it can be tested where no image can be built: what it is given suffices for every process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from cli.processes import ROOMS
from gateway.envoy import envoy_binary
from kit.config import SERVICES, Settings
from tests.k8s.k8s_files import K8S, ROOT, built, containers

DOCKERFILE = (ROOT / "Dockerfile").read_text()
# What a production cluster's Secret cho-secrets holds; the values do not matter here.
SECRETS = {
    "CHO_EDGE_SECRET": "edge",
    "CHO_FIELD_KEY": "field",
    "CHO_INDEX_KEY": "index",
    "MONGODB_URI": "mongodb://elsewhere:27017",
    "REDIS_URL": "redis://elsewhere:6379/0",
}
LEDGER_URL = "redis://:password@ledger:6379/0"
# What only some processes are given, from Secrets of their own.
OWN = {
    "LEDGER_URL": LEDGER_URL,
    "STRIPE_API_BASE": "https://cards.example",
    "STRIPE_SECRET_KEY": "sk_live",
    "STRIPE_WEBHOOK_SECRET": "whsec",
    "CHO_SETTLEMENT_SIGNING_SECRET": "signing",
    "CHO_SMS_URL": "https://messages.example",
    "CHO_SMS_TOKEN": "messages",
    "CHO_OIDC_ISSUER": "https://id.example",
    "CHO_OIDC_CLIENT_ID": "cho",
    "CHO_OIDC_CLIENT_SECRET": "outside",
    "CHO_OIDC_REDIRECT_URI": "https://cho.example/sign-in",
}
OWN_SECRETS = {
    "payments": ("stripe_secret_key", "stripe_webhook_secret"), "settlement": ("settlement_signing_secret",),
}  # fmt: skip


def copied(dockerfile: str = DOCKERFILE) -> list[str]:
    """What comes from here into the image."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's /app."""
    folder = tmp_path_factory.mktemp("app")
    for source in copied():
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, folder / source, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, folder / source)
    return folder


def run(app: Path, code: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs Python as the image does, with this environment's packages but nothing else of this project."""
    path = [str(app), str(app / "protos" / "gen"), sysconfig.get_path("purelib")]
    # -S: no site, so the project that is installed here for development is not found.
    return subprocess.run(
        [sys.executable, "-S", "-P", "-c", f"import sys; sys.path[1:1] = {path!r}\n{code}"],
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **env},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_exactly_what_the_images_copy_exists_and_is_let_through() -> None:
    # The load processes' image could not be built: what only it copies was held back.
    ignore = (ROOT / ".dockerignore").read_text()
    allowed = re.findall(r"^!(.+)$", ignore, re.MULTILINE)
    sources = {*copied(), *copied((K8S / "loadtests" / "Dockerfile").read_text())}
    assert "*" in ignore.splitlines()
    assert all((ROOT / source).exists() for source in sources)
    assert sorted(allowed) == sorted(sources)


def test_it_runs_as_nobody_from_pinned_images_and_locked_packages() -> None:
    for image in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE):
        assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", image)
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    installs = re.findall(r"pip install.*(?:\n &&.*)?", DOCKERFILE)
    assert all("--require-hashes" in i or "--no-deps" in i for i in installs)
    assert not re.search(r"SECRET|PASSWORD|_KEY", DOCKERFILE)


@pytest.mark.parametrize("kind", ROOMS)
def test_what_it_holds_suffices_for_every_process(app: Path, kind: str) -> None:
    # As `main` does: what the entry point itself holds is imported before a worker is monkey-patched.
    patch = "p._be_cooperative()\n" if kind == "work" else ""
    code = (
        f"import cli.processes as p\n{patch}"
        f"for service in {SERVICES!r}:\n"
        f"    module = p._module(service, p.ROOMS[{kind!r}])\n"
        f"    assert module.__file__.startswith({str(app)!r}), module.__file__\n"
    )
    made = run(app, code, SECRETS | {"CHO_ENV": "production"})
    assert made.returncode == 0, made.stderr


def environment(workload: str) -> dict[str, str]:
    """What a container's process finds in its environment, the Secrets filled in."""
    container = dict(containers(built("base")))[workload]
    env: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        env |= settings_env() if "configMapRef" in source else SECRETS
    for given in container.get("env", ()):
        env[given["name"]] = given.get("value") or (SECRETS | OWN)[given["name"]]
    return env


def settings_env() -> dict[str, str]:
    lines = (K8S / "base" / "settings.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("service", SERVICES)
def test_a_servers_pod_starts_with_its_settings(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(f"{service}-serve/main").items():
        monkeypatch.setenv(name, value)
    found = Settings(_env_file=None)
    assert found.addr(service) == "0.0.0.0:50051"
    assert [found.addr(s) for s in SERVICES if s != service] == [f"{s}:50051" for s in SERVICES if s != service]
    assert found.ledger_url == (LEDGER_URL if service == "payments" else SECRETS["REDIS_URL"])
    assert (found.metrics_host, found.metrics_port) == ("0.0.0.0", 9090)
    for name in OWN_SECRETS.get(service, ()):
        assert found.own_secret(name)


def test_payments_worker_has_what_the_card_provider_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment("payments-work/main").items():
        monkeypatch.setenv(name, value)
    found = Settings(_env_file=None)
    assert found.own_secret("stripe_secret_key") == OWN["STRIPE_SECRET_KEY"]
    assert found.stripe_api_base == OWN["STRIPE_API_BASE"]


def test_envoy_accepts_what_the_gateways_pod_generates_for_it(app: Path, tmp_path: Path) -> None:
    env = environment("gateway/bootstrap")
    assert {env["CHO_FIELD_KEY"], env["CHO_INDEX_KEY"]} == {"not-for-the-gateway"}
    config = tmp_path / "envoy.json"
    argv = ["gateway", "--out", str(config)]
    code = f"import runpy; sys.argv = {argv!r}; runpy.run_module('gateway', run_name='__main__')"
    made = run(app, code, env)
    assert made.returncode == 0, made.stderr
    command = [str(envoy_binary()), "--mode", "validate", "--config-path", str(config), "--log-level", "error"]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stderr
    assert '"address": "0.0.0.0", "port_value": 8080' in config.read_text()
    assert '"address": "payments", "port_value": 50051' in config.read_text()
