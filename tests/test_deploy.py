"""What is under `deploy/` is held against the rules of what reads it, and its texts name what there is."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from shutil import which
from typing import Any

import click
import kubernetes_validate
import pytest
import yaml

from otel_sessions.cli.app import app
from otel_sessions.config import Config, listeners, load

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
SECRETS = {
    "CLICKHOUSE_ENDPOINT": "http://clickhouse:8123/otel",
    "CLICKHOUSE_USER": "sessions",
    "CLICKHOUSE_PASSWORD": "a password",
    "OTEL_SESSIONS_TOKEN": "a token",
    "OTEL_SESSIONS_LOGIN_KEY": "0123456789abcdef",
}
OURS = sorted(file for file in DEPLOY.rglob("config.yaml") if "collector" not in file.parts)
MANIFESTS = sorted(
    file for file in (DEPLOY / "kubernetes/base").glob("*.yaml") if file.stem not in {"config", "kustomization"}
)
READMES = sorted(DEPLOY.rglob("README.md"))


def run(*command: str | Path) -> str:
    """What it prints; it must end well."""
    done = subprocess.run([str(each) for each in command], check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def short(file: Path) -> str:
    return str(file.relative_to(DEPLOY))


def documents(text: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(text) if each]


def loaded(file: Path, data: Path) -> Config:
    """A configuration of ours, with its data where a test may write."""
    settings = yaml.safe_load(file.read_text())["exporters"]["clickhouse"]
    sets = ["exporters.clickhouse.endpoint=chdb://" + str(data)] if "chdb" in settings["endpoint"] else []
    if "directory" in settings["sending_queue"]:
        sets.append(f"exporters.clickhouse.sending_queue.directory={data}-wal")
    return load([file], sets, environ=SECRETS, to_serve=True)


@pytest.mark.parametrize("file", OURS, ids=short)
def test_every_configuration_is_valid(file: Path, tmp_path: Path) -> None:
    assert loaded(file, tmp_path / "data").warnings == ()


def test_the_image_is_built_by_the_rules_from_what_the_context_has() -> None:
    file = DEPLOY / "docker/Dockerfile"
    run(BIN / "hadolint", file)
    sources = re.findall(r"^COPY (?!--)(.+) \S+$", file.read_text(), re.MULTILINE)
    wanted = {name for each in sources for name in each.split()}
    assert [name for name in wanted if not (ROOT / name).exists()] == []
    let_in = set(re.findall(r"^!(.+)$", (DEPLOY / "docker/Dockerfile.dockerignore").read_text(), re.MULTILINE))
    assert wanted == let_in
    assert re.findall(r"^USER (\S+)", file.read_text(), re.MULTILINE)[-1] == "65532:65532"


def test_compose_is_valid_and_mounts_and_builds_what_there_is() -> None:
    file = DEPLOY / "compose/compose.yaml"
    run(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", file)
    services = yaml.safe_load(file.read_text())["services"]
    mounted = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])]
    assert [path for path in mounted if path.startswith(".") and not (file.parent / path).exists()] == []
    stages = re.findall(r"^FROM .+ AS (\S+)$", (DEPLOY / "docker/Dockerfile").read_text(), re.MULTILINE)
    targets = {service["build"]["target"] for service in services.values() if "build" in service}
    assert targets <= set(stages)
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("file", MANIFESTS, ids=short)
def test_every_manifest_is_what_kubernetes_takes(file: Path) -> None:
    found = documents(file.read_text())
    assert found
    for document in found:
        if document["kind"] == "StatefulSet":  # kustomize adds the labels
            document["spec"]["selector"] = {"matchLabels": {"a": "b"}}
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.skipif(which("kubectl") is None, reason="there is no kubectl")
@pytest.mark.parametrize("overlay", ["base", "embedded"])
def test_kustomize_puts_the_manifests_together(overlay: str) -> None:
    found = documents(run("kubectl", "kustomize", DEPLOY / "kubernetes" / overlay))
    for document in found:
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
    (pods,) = [each["spec"] for each in found if each["kind"] == "StatefulSet"]
    assert pods["replicas"] == (1 if overlay == "embedded" else 2)
    labels = pods["template"]["metadata"]["labels"]
    for document in found:
        chosen = document.get("spec", {}).get("selector") or document.get("spec", {}).get("podSelector")
        if chosen:
            assert chosen.get("matchLabels", chosen).items() <= labels.items(), document["kind"]


@pytest.mark.parametrize("overlay", ["base", "embedded"])
def test_the_pods_ports_and_probes_are_what_the_service_listens_on(overlay: str, tmp_path: Path) -> None:
    manifest = yaml.safe_load((DEPLOY / "kubernetes/base/statefulset.yaml").read_text())
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    config = loaded(DEPLOY / "kubernetes" / overlay / "config.yaml", tmp_path / "data")
    assert set(ports.values()) == {address.port for _, address in listeners(config)}
    assert {container[f"{probe}Probe"]["httpGet"]["port"] for probe in ("startup", "liveness", "readiness")} == {
        "health"
    }
    grace = manifest["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > config.service.shutdown_timeout


def test_the_unit_is_what_systemd_takes() -> None:
    file = DEPLOY / "systemd/otel-sessions.service"
    settings = dict(line.split("=", 1) for line in file.read_text().splitlines() if re.match(r"[A-Z]\w+=", line))
    for name in ("ExecStartPre", "ExecStart"):
        program, command, *options = settings[name].split()
        assert (program.split("/")[-1], command in commands(), options[0]) == ("otel-sessions", True, "--config")
    if which("systemd-analyze"):
        done = subprocess.run(["systemd-analyze", "verify", file], check=False, capture_output=True, text=True)
        told = [line for line in done.stderr.splitlines() if "is not executable: No such file" not in line]
        assert [line for line in told if "otel-sessions" in line] == []


def test_the_collectors_pipelines_name_what_is_configured() -> None:
    config = yaml.safe_load((DEPLOY / "collector/config.yaml").read_text())
    for kind in ("receivers", "processors", "exporters"):
        named = {id_ for pipeline in config["service"]["pipelines"].values() for id_ in pipeline[kind]}
        assert named == set(config[kind])
    assert set(config["service"]["extensions"]) == set(config["extensions"])


def commands() -> set[str]:
    return set(app.list_commands(click.Context(app)))


OURS_CALLED = re.compile(r"(?:^|/|-- |exec [a-z0-9-]+ )otel-sessions ([a-z]+)")


@pytest.mark.parametrize("readme", READMES, ids=short)
def test_every_command_and_path_of_a_text_exists(readme: Path) -> None:
    lines = "".join(re.findall(r"```sh\n(.*?)```", readme.read_text(), re.DOTALL)).splitlines()
    for line in lines:
        words = [word.removeprefix("./") for word in shlex.split(line)]
        paths = [word.split(":")[0] for word in words if word.startswith("deploy/")]
        assert [path for path in paths if not (ROOT / path).exists()] == [], line
        assert set(OURS_CALLED.findall(line)) <= commands(), line


@pytest.mark.parametrize("readme", READMES, ids=short)
def test_every_link_of_a_text_leads_somewhere(readme: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", readme.read_text())
    assert [link for link in links if not (readme.parent / link).exists()] == []
