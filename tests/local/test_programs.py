"""What each of READY's processes is told."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ready.local.credentials import Credentials
from ready.local.processes import Program
from ready.local.programs import Ready
from ready.local.servers import Servers

SECRETS = Credentials("KEY", "MASTER", "ADMIN", "OWNER", "APP", "KEEPER")
URL = "postgres://ready_admin:ADMIN@/ready?host=/tmp/x"


def ready(**given: str) -> Ready:
    return Ready(given, Path("/data"), 8123, Servers(URL, "redis+socket:///tmp/v"), SECRETS)


def everything(project: Ready) -> dict[str, Program]:
    steps = [*project.building(), *project.filling()]
    programs = [program for group in steps for program in group]
    programs += [project.worker(), project.web(), *project.companions()]
    assert len({program.name for program in programs}) == len(programs)
    return {program.name: program for program in programs}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("messages", "ready_app"),
        ("setup-roles", "ready_admin"),
        ("migrate", "ready_owner"),
        ("partitions", "ready_maintenance"),
        ("maintain", "ready_maintenance"),
        ("demo-seed", "ready_app"),
        ("web", "ready_app"),
        ("worker", "ready_app"),
        ("beat", "ready_app"),
        ("demo-feed", "ready_app"),
    ],
)
def test_a_process_has_one_role(name: str, role: str) -> None:
    program = everything(ready())[name]
    assert urlsplit(program.env["DATABASE_URL"]).username == role
    known = " ".join(program.env.values())
    passwords = {"ADMIN", "OWNER", "APP", "KEEPER"}
    told = {password for password in passwords if password in known}
    if role == "ready_admin":
        assert told == passwords
    else:
        mine = {"ready_owner": "OWNER", "ready_maintenance": "KEEPER", "ready_app": "APP"}[role]
        assert told == {mine}


def test_caller_s_secrets_and_addresses_do_not_leak_to_children() -> None:
    project = ready(
        DATABASE_URL="postgres://root:LEAK@db/x", READY_OWNER_PASSWORD="LEAK", MAKEFLAGS="LEAK"
    )
    for program in everything(project).values():
        assert "LEAK" not in " ".join(program.env.values())


def test_empty_environment_is_completed() -> None:
    env = everything(ready())["web"].env
    assert env["HOME"] == "/data"
    assert env["PATH"]
    assert env["READY_ENV"] == "development"
    assert env["READY_BASE_URL"] == "http://127.0.0.1:8123/"


def test_callers_choices_win() -> None:
    env = everything(ready(READY_ENV="test", READY_SECRET_KEY="mine", HOME="/home/me"))["web"].env
    assert (env["READY_ENV"], env["READY_SECRET_KEY"], env["HOME"]) == ("test", "mine", "/home/me")


def test_web_listens_on_this_machine_only() -> None:
    argv = everything(ready())["web"].argv
    assert argv[argv.index("--bind") + 1] == "127.0.0.1:8123"
