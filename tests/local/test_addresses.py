"""One server's URL for each role."""

import pytest
from psycopg.conninfo import conninfo_to_dict

from ready.local.addresses import as_role
from ready.local.errors import LocalError


@pytest.mark.parametrize(
    ("url", "rest"),
    [
        ("postgres://admin:old@db.example:5433/ready", {"host": "db.example", "port": "5433"}),
        ("postgresql://db.example/ready", {"host": "db.example"}),
        ("postgres://admin:p%40ss@/ready?host=/tmp/x/postgres", {"host": "/tmp/x/postgres"}),
        (
            "postgres://a@[::1]:5432/ready?sslmode=require",
            {"host": "::1", "port": "5432", "sslmode": "require"},
        ),
    ],
)
def test_only_the_user_changes(url: str, rest: dict[str, str]) -> None:
    found = conninfo_to_dict(as_role(url, "ready_app", "p/@:?#å"))
    assert found == {"user": "ready_app", "password": "p/@:?#å", "dbname": "ready"} | rest


def test_other_databases_are_refused() -> None:
    with pytest.raises(LocalError, match="postgres://"):
        as_role("mysql://root@localhost/ready", "ready_app", "x")
