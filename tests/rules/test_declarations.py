"""Every view, API operation, task and command says who may use it; what does not is refused."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.core.management import get_commands, load_command_class
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings

from ready.accounts.middleware import LIBRARY_ACCESS, AccessMiddleware
from ready.audit.events import EVENTS
from ready.celery import app
from ready.policy import PERMISSIONS, SYSTEM, TENANT_SCOPED, access, declared
from ready.urls import api
from ready.web.operations import operations_of
from tests.matrix.sites import says_methods, sites

ROOT = Path(__file__).resolve().parents[2]


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    namespace = f"{prefix}{resolver.namespace}:" if resolver.namespace else prefix
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from patterns(entry, namespace)
        else:
            yield f"{namespace}{entry.name}", entry


def test_every_view_declares_its_access() -> None:
    undeclared = [
        name
        for name, pattern in patterns(get_resolver())
        if declared(pattern.callback) is None
        and name not in LIBRARY_ACCESS
        and operations_of(pattern.callback) is None
        # READY offers of that library only what is listed; the rest answers 404.
        and not pattern.callback.__module__.startswith("allauth.")
    ]
    assert undeclared == []


# What an act that wants proof declares, a second time: weakening one line must be done twice. The
# matrix takes its expectations from the declarations, so it cannot see one that asks too little.
DANGEROUS = {
    "keys.import": {"imports", "upload", "import", "apply", "take_back", "give_up", "set"},
    "readings.erase": {"residents", "erasure", "certificate"},
    "people.edit": {
        "invite",
        "revoke_invitation",
        "change_role",
        "disable_user",
        "enable_user",
        "end_user_sessions",
        "remove_user",
        "limit_user",
    },
    "roles.edit": {"change_roles"},
    "api_tokens.edit": {"tokens", "issue_token", "revoke_token"},
    "sign_in.edit": {"sign_in", "configure_sign_in"},
}
NOT_BUILT = {"disconnect.request", "disconnect.approve"}


def test_dangerous_acts_want_what_they_wanted() -> None:
    found: dict[str, set[str]] = {}
    for site in sites():
        for code in site.needs.values():
            if code in PERMISSIONS and PERMISSIONS[code].step_up:
                found.setdefault(code, set()).add(site.name.rpartition(":")[2])
    assert found == DANGEROUS
    wanting_proof = {code for code, one in PERMISSIONS.items() if one.step_up}
    assert wanting_proof == set(DANGEROUS) | NOT_BUILT


def test_every_view_of_ours_says_its_methods() -> None:
    """A view without require_GET or require_POST would change things by GET."""
    silent = [
        name
        for name, pattern in patterns(get_resolver())
        if declared(pattern.callback) is not None
        and operations_of(pattern.callback) is None
        and not says_methods(pattern.callback)
    ]
    assert silent == []


def test_every_operation_of_the_api_declares_its_access() -> None:
    found = {
        f"{method} {prefix}{path}": declared(operation.view_func)
        for prefix, router in api._routers
        for path, view in router.path_operations.items()
        for operation in view.operations
        for method in operation.methods
    }
    assert found["POST /collect/telegrams"] == "device"
    assert [name for name, code in found.items() if code is None] == []


def test_every_task_declares_what_it_works_on() -> None:
    app.loader.import_default_modules()
    ours = {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}
    assert "collectors.tasks.ring" in ours
    assert {declared(task.run) for task in ours.values()} <= {SYSTEM, TENANT_SCOPED}


def test_an_undeclared_task_does_not_run() -> None:
    @app.task(name="tests.undeclared")  # type: ignore[untyped-decorator]
    def undeclared() -> None:
        raise AssertionError("it ran")

    try:
        with pytest.raises(PermissionError, match="declares no access"):
            undeclared()
    finally:
        del app.tasks["tests.undeclared"]


def test_every_command_declares_what_it_works_on() -> None:
    ours = {
        name: load_command_class(package, name)
        for name, package in get_commands().items()
        if not package.startswith(("django", "allauth", "leaflet"))
    }
    assert "setup_roles" in ours
    assert [name for name, made in ours.items() if declared(made) is None] == []


def test_manage_refuses_an_undeclared_command(tmp_path: Path) -> None:
    """A copy of manage.py beside an app of its own, so that the command counts as READY's."""
    commands = tmp_path / "stray" / "management" / "commands"
    commands.mkdir(parents=True)
    for folder in (tmp_path / "stray", commands.parent, commands):
        (folder / "__init__.py").touch()
    (commands / "stray.py").write_text(
        "from django.core.management import BaseCommand\n\n\n"
        "class Command(BaseCommand):\n"
        "    requires_system_checks = ()\n\n"
        "    def handle(self, *args, **options):\n"
        "        self.stdout.write('it ran')\n"
    )
    (tmp_path / "bare.py").write_text("SECRET_KEY = 'x'\nINSTALLED_APPS = ['stray']\n")
    (tmp_path / "manage.py").write_text((ROOT / "manage.py").read_text())
    done = subprocess.run(
        [sys.executable, "manage.py", "stray"],
        cwd=tmp_path,
        env={"DJANGO_SETTINGS_MODULE": "bare"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "declares no access" in done.stderr
    assert "it ran" not in done.stdout


def _undeclared(request: HttpRequest) -> HttpResponse:
    raise AssertionError("it ran")


def test_an_undeclared_view_is_refused(rf: RequestFactory, settings: Settings) -> None:
    middleware = AccessMiddleware(_undeclared)
    with pytest.raises(ImproperlyConfigured, match="declares no access"):
        middleware.process_view(rf.get("/"), _undeclared, (), {})
    settings.PRODUCTION = True
    with pytest.raises(PermissionDenied):
        middleware.process_view(rf.get("/"), _undeclared, (), {})


def test_a_declaration_names_what_exists() -> None:
    with pytest.raises(ValueError, match="unknown permission"):
        access("everything")


def test_every_event_of_the_trail_has_words() -> None:
    """A person reads the log; an event's code is none of their language."""
    about = {event.partition(".")[0] for event in EVENTS}
    found = {
        node.value
        for package in ("ready", "meters", "readings", "notifications", "collectors", "reports")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[a-z_]+\.[a-z_]+", node.value)
        and node.value.partition(".")[0] in about
    }
    modules = {name for name in found if (ROOT / f"{name.replace('.', '/')}.py").exists()}
    models = {model._meta.label_lower for model in apps.get_models()}
    assert found - set(EVENTS) - set(PERMISSIONS) - modules - models == set()
