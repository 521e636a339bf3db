"""docker-compose.yml: its services, what each may know, and that nothing is left to a default."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from django.core.management import get_commands

from ready.local.postgres import MEASURED, major_version
from ready.local.programs import ROOT

TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"] == "ready"]
ONCE = ("roles", "migrate", "partitions")
SECRETS = re.compile(r"PASSWORD|SECRET|KEY")


def new_environment() -> dict[str, str]:
    """What deploy/make_env.py writes for a new server."""
    done = subprocess.run(
        [sys.executable, "deploy/make_env.py", "ready.example.org", "smtp://mail.example.org"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def strings(value: object) -> Iterator[str]:
    """Every string in a parsed document."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield str(key)
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)
    else:
        yield str(value)


def filled_in(service: str) -> dict[str, str]:
    """A service's environment as Compose hands it over."""
    env = new_environment()
    return {
        name: re.sub(r"\$\{(\w+):\?[^}]*\}", lambda match: env[match[1]], str(value))
        for name, value in SERVICES[service]["environment"].items()
    }


def test_services() -> None:
    servers = {"caddy", "postgres", "valkey"}
    assert set(SERVICES) - servers == set(OURS)
    assert set(OURS) == {"web", "worker", "beat", "maintenance", *ONCE}


def test_every_variable_is_required_and_made() -> None:
    text = "\n".join(line for line in TEXT.splitlines() if not line.lstrip().startswith("#"))
    used = set(re.findall(r"(?<!\$)\$\{(\w+):\?[^}]*\}", text))
    assert used == set(new_environment())
    # Nothing in another form: ${X:-default}, ${X-default}, ${X} or $X.
    assert len(re.findall(r"(?<!\$)\$(?!\$)", text)) == len(re.findall(r"\$\{\w+:\?[^}]*\}", text))


def test_no_secret_is_written_down() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if SECRETS.search(name):
                assert re.fullmatch(r"\$\{\w+:\?\}", value), name
            written = re.sub(r"\$\{\w+:\?[^}]*\}", "${X:?}", str(value))
            for password in re.findall(r"://\w*:([^@]*)@", written):
                assert re.fullmatch(r"\$\{\w+:\?\}", password), name


def test_new_secrets_are_random() -> None:
    one, other = new_environment(), new_environment()
    told = ("READY_HOST", "READY_SMTP_URL", "READY_MAIL_FROM")
    secrets = [value for env in (one, other) for name, value in env.items() if name not in told]
    assert len(set(secrets)) == len(secrets)
    assert all(len(value) >= 40 for value in secrets)


@pytest.mark.parametrize(
    ("service", "role"),
    [
        ("web", "ready_app"),
        ("worker", "ready_app"),
        ("beat", "ready_app"),
        ("maintenance", "ready_maintenance"),
        ("partitions", "ready_maintenance"),
        ("migrate", "ready_owner"),
        ("roles", "ready_admin"),
    ],
)
def test_a_process_has_one_role(service: str, role: str) -> None:
    environment = SERVICES[service]["environment"]
    assert urlsplit(filled_in(service)["DATABASE_URL"]).username == role
    passwords = {name for name in environment if "PASSWORD" in name}
    assert bool(passwords) == (role == "ready_admin")
    assert environment["READY_ENV"] == "production"


@pytest.mark.parametrize("service", OURS)
def test_commands_exist(service: str) -> None:
    command = SERVICES[service]["command"]
    if command[:2] == ["python", "manage.py"]:
        assert command[2] in get_commands()
    else:
        assert command[0] in ("gunicorn", "celery")
        assert Path(sys.executable).with_name(command[0]).exists()


def test_gunicorn_takes_its_command_and_settings_take_their_environment(tmp_path: Path) -> None:
    module, *options = SERVICES["web"]["command"][1:]
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", module, *options, "--check-config"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "READY_DATA_DIR": str(tmp_path)} | filled_in("web"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_image_s_static_files_can_be_collected(tmp_path: Path) -> None:
    # Fails on a style sheet or script that names a file which is not there.
    done = subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | filled_in("web") | {"READY_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "static/staticfiles.json").is_file()


@pytest.mark.parametrize(
    "name", ["READY_SECRET_KEY", "READY_MASTER_KEY", "DATABASE_URL", "REDIS_URL"]
)
def test_a_missing_secret_stops_the_start(tmp_path: Path, name: str) -> None:
    rest = {key: value for key, value in filled_in("web").items() if key != name}
    done = subprocess.run(
        [sys.executable, "-c", "import ready.settings"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "READY_DATA_DIR": str(tmp_path)} | rest,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert name in done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_containers_are_closed_and_watched(name: str) -> None:
    service = SERVICES[name]
    assert ("ports" in service) == (name == "caddy")
    assert service["security_opt"] == ["no-new-privileges:true"]
    if name != "postgres":
        assert service["read_only"] is True
    if name in ONCE:
        assert service["restart"] == "no"
    else:
        assert service["restart"] == "unless-stopped"
        assert "healthcheck" in service
    if name in OURS:
        assert service["cap_drop"] == ["ALL"]


def test_start_is_in_order() -> None:
    done = "service_completed_successfully"
    assert SERVICES["migrate"]["depends_on"] == {"roles": {"condition": done}}
    assert SERVICES["partitions"]["depends_on"] == {"migrate": {"condition": done}}
    for name in ("web", "worker", "beat", "maintenance"):
        assert SERVICES[name]["depends_on"]["partitions"] == {"condition": done}


def test_database_is_the_one_we_test_with() -> None:
    assert SERVICES["postgres"]["image"] == f"postgres:{major_version()}"
    assert "--builtin-locale=C.UTF-8" in SERVICES["postgres"]["environment"]["POSTGRES_INITDB_ARGS"]
    assert {*MEASURED} < {*SERVICES["postgres"]["command"]}
    # From version 18 the image keeps its data one folder up.
    assert "postgres:/var/lib/postgresql" in SERVICES["postgres"]["volumes"]


def test_files_named_exist() -> None:
    for text in strings(COMPOSE):
        for path in re.findall(r"(?:^|\./)(deploy/[\w.]+)", text):
            assert (ROOT / path).is_file(), path
    for path in re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "deploy/Dockerfile").read_text()):
        assert all((ROOT / part).exists() for part in path.split())


def test_who_sends_mail_has_a_way_out_and_caddy_comes_by_one_road() -> None:
    """Web sends invitations itself; it believes Caddy only on the network inside."""
    nets: dict[str, Any] = COMPOSE["networks"]
    for name in ("web", "worker"):
        assert any(not (nets[net] or {}).get("internal") for net in SERVICES[name]["networks"])
    assert set(SERVICES["web"]["networks"]) & set(SERVICES["caddy"]["networks"]) == {"inside"}
