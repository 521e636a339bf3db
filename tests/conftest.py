"""What every test stands on: a real PostgreSQL, two walls up, and three people.

DATABASE_URL names an administrator of the cluster (`make test` starts one). The test database is
migrated as ready_owner, partitioned as ready_maintenance, and the tests themselves run as
ready_app, so that a policy or a grant that is missing shows.
"""

import io
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, connections
from hypothesis import HealthCheck, settings

from ready.accounts.models import Membership, User
from ready.policy import Role
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant

pytest_plugins = ["tests.ci_guard"]

# A busy machine is slow: neither drawing nor running an example is timed.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_PASSWORDS = {
    "READY_OWNER_PASSWORD": "owner-in-tests",
    "READY_APP_PASSWORD": "app-in-tests",
    "READY_MAINTENANCE_PASSWORD": "maintenance-in-tests",
}
_ROLES = {
    "ready_owner": _PASSWORDS["READY_OWNER_PASSWORD"],
    "ready_app": _PASSWORDS["READY_APP_PASSWORD"],
    "ready_maintenance": _PASSWORDS["READY_MAINTENANCE_PASSWORD"],
}
# Filled by migrations or shared by all tests; everything else is emptied after a test commits.
_KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def _admin_url() -> str:
    url = os.environ.get("DATABASE_URL")
    if not url:
        pytest.exit("DATABASE_URL is not set; `make test` starts a PostgreSQL and sets it", 2)
    return url


def _database_url(name: str) -> str:
    return urlsplit(_admin_url())._replace(path=f"/{quote(name)}").geturl()


def _use(name: str, user: str, password: str) -> None:
    """Let Django's connection be this role in this database from now on."""
    connection.close()
    connection.settings_dict.update(NAME=name, USER=user, PASSWORD=password)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """A database of this process's own, made as production's is: by three roles."""
    admin = connection.settings_dict["USER"], connection.settings_dict["PASSWORD"]
    name = f"ready_test_{uuid.uuid4().hex[:12]}"
    os.environ.update(_PASSWORDS)
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        with psycopg.connect(_admin_url(), autocommit=True) as cluster:
            # Roles belong to the cluster: test processes beside each other take turns.
            cluster.execute("SELECT pg_advisory_lock(7239)")
            # benchmarks/mutants migrates once and copies that.
            template = os.environ.get("READY_TEST_TEMPLATE", "")
            made = cluster.execute(
                "SELECT count(*) FROM pg_database WHERE datname = %s", [template]
            ).fetchone() == (1,)
            origin = template if made else "template0"
            cluster.execute(f"CREATE DATABASE {name} TEMPLATE {origin} ENCODING 'UTF8'")
            _use(name, *admin)
            call_command("setup_roles", verbosity=0, stdout=io.StringIO())
        if not made:
            for role, command, arguments in (
                ("ready_owner", "migrate", {"verbosity": 0}),
                ("ready_maintenance", "partitions", {"apply": True}),
            ):
                _use(name, role, _ROLES[role])
                call_command(command, stdout=io.StringIO(), **arguments)
            if template:
                connection.close()
                with psycopg.connect(_admin_url(), autocommit=True) as cluster:
                    cluster.execute(f"CREATE DATABASE {template} TEMPLATE {name}")
        if mutation := os.environ.get("READY_MUTANT_SQL"):
            # benchmarks/mutants.py takes a wall away, to see the tests notice.
            with psycopg.connect(_database_url(name), autocommit=True) as link:
                link.execute(mutation)
        _use(name, "ready_app", _ROLES["ready_app"])
    yield
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        connections.close_all()
        with psycopg.connect(_admin_url(), autocommit=True) as cluster:
            cluster.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def as_admin() -> Iterator[psycopg.Connection]:
    """A connection to the test database above all walls, for looking and for cleaning up."""
    url = _database_url(connection.settings_dict["NAME"])
    with psycopg.connect(url, autocommit=True) as link:
        yield link


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """A test that commits: what it leaves behind is wiped, above the walls.

    Isolation is only tested so; a wrapping transaction would keep `SET LOCAL` alive.
    """
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield
        wipe()


def wipe() -> None:
    """Empty every table, above the walls, after a test that committed."""
    connections.close_all()
    with as_admin() as link:
        tables = [
            name
            for (name,) in link.execute(
                """SELECT c.relname FROM pg_class c
                   WHERE c.relnamespace = 'public'::regnamespace
                     AND c.relkind IN ('r', 'p') AND NOT c.relispartition"""
            ).fetchall()
            if name not in _KEPT
        ]
        link.execute("SET session_replication_role = replica")  # no foreign keys meanwhile
        link.execute(";".join(f"DELETE FROM {table}" for table in tables))


@pytest.fixture
def aalund() -> Tenant:
    """The utility most tests play in. Use with `db` or `committed`."""
    return Tenant.objects.create(slug="aalund", name="Aalund Varme")


@pytest.fixture
def birkelse() -> Tenant:
    """The neighbour, who must never see anything of Aalund's."""
    return Tenant.objects.create(slug="birkelse", name="Birkelse Vandværk")


def _person(tenant: Tenant, name: str, role: Role) -> User:
    user = User.objects.create_user(
        f"{name.lower()}@{tenant.slug}.example", "Kobberkedel-1", name=name
    )
    with tenant_context(tenant.pk):
        Membership.objects.create(tenant=tenant, user=user, role=role)
    return user


@pytest.fixture
def alice(aalund: Tenant) -> User:
    """Administrator of Aalund."""
    return _person(aalund, "Alice", Role.ADMINISTRATOR)


@pytest.fixture
def bob(aalund: Tenant) -> User:
    """User of Aalund: looks, exports, changes nothing."""
    return _person(aalund, "Bob", Role.USER)


@pytest.fixture
def charlie(birkelse: Tenant) -> User:
    """Administrator of the neighbour."""
    return _person(birkelse, "Charlie", Role.ADMINISTRATOR)
