"""Every wall that the database's catalogue holds is taken away once; `test_walls` must notice.

A policy that says yes to everything, a restrictive one that is gone, row-level security off or not
forced, a composite foreign key dropped, a grant too many: each alone, in a transaction that is
rolled back. A table of tomorrow is in it by itself. `make test` takes a sixth of them, others each
day; `make mutants` and `make matrix` all.
"""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit
from zlib import crc32

import pytest
from django.db import connection, transaction

from tests.conftest import _ROLES, _admin_url, _use
from tests.matrix.cells import WHOLE, day
from tests.rules import test_walls as walls

CHECKS: tuple[Callable[[], None], ...] = (
    walls.test_row_level_security_is_forced_on_every_tenants_table,
    walls.test_one_policy_for_all_but_the_allowlist,
    walls.test_the_allowlist_lets_only_the_tenant_write,
    walls.test_the_allowlist_shows_what_it_must_and_no_more,
    walls.test_the_run_time_role_makes_no_operators,
    walls.test_every_key_and_index_begins_with_the_tenant,
    walls.test_every_foreign_key_between_tenants_tables_carries_the_tenant,
    walls.test_every_reference_in_a_model_is_a_foreign_key_in_the_database,
    walls.test_a_limited_member_reaches_what_was_thought_about_and_no_more,
    walls.test_the_run_time_role_reaches_no_partition_by_name,
    walls.test_the_trail_can_only_be_added_to,
)


def test_each_wall_of_the_catalogue_is_missed(
    committed: None, capsys: pytest.CaptureFixture[str]
) -> None:
    name = connection.settings_dict["NAME"]
    admin = urlsplit(_admin_url())
    _use(name, str(admin.username), str(admin.password or ""))
    try:
        assert noticed("SELECT 1") == ""
        everything = list(taken())
        mutants = [one for one in everything if WHOLE or (crc32(one[0].encode()) + day()) % 6 == 0]
        lived = [what for what, sql in mutants if not noticed(sql)]
    finally:
        _use(name, "ready_app", _ROLES["ready_app"])
    with capsys.disabled():
        print(f"\ncatalogue: caught {len(mutants) - len(lived)}/{len(mutants)}")
    assert lived == []
    assert len(everything) > 300
    assert mutants


def noticed(sql: str) -> str:
    """Which check fails while this statement holds; "" where none does."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(sql)
            cursor.execute("SET LOCAL ROLE ready_app")  # as whom the checks look
        try:
            for check in CHECKS:
                try:
                    check()
                except AssertionError:
                    return check.__name__
        finally:
            transaction.set_rollback(True)
    return ""


def taken() -> Iterator[tuple[str, str]]:
    """What to take away: a name and the statement."""
    for table in walls.tables() - walls.NOT_A_TENANTS:
        yield f"{table}: no row-level security", f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"
        yield f"{table}: not forced", f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"
    for of_table, policy, kind, command, using, check in walls.rows(
        """SELECT tablename, policyname, permissive, cmd, qual, with_check FROM pg_policies
           WHERE schemaname = 'public'"""
    ):
        if kind == "RESTRICTIVE":
            yield f"{of_table}: {policy} dropped", f"DROP POLICY {policy} ON {of_table}"
        if using not in (None, "true") and command != "INSERT":
            yield (
                f"{of_table}: {policy} shows all",
                f"ALTER POLICY {policy} ON {of_table} USING (true)",
            )
        if check not in (None, "true") and command not in ("SELECT", "DELETE"):
            yield (
                f"{of_table}: {policy} takes all",
                f"ALTER POLICY {policy} ON {of_table} WITH CHECK (true)",
            )
    for of_table, constraint in walls.rows(
        """SELECT t.relname, c.conname FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
           WHERE c.contype = 'f' AND NOT t.relispartition
             AND t.relnamespace = 'public'::regnamespace AND array_length(c.conkey, 1) > 1"""
    ):
        yield f"{constraint} dropped", f"ALTER TABLE {of_table} DROP CONSTRAINT {constraint}"
    for table in ("audit_auditentry", "audit_auditseal"):
        for right in ("UPDATE", "DELETE", "TRUNCATE"):
            yield f"{table}: {right} granted", f"GRANT {right} ON {table} TO ready_app"
    for right in ("INSERT", "UPDATE", "DELETE"):
        yield f"operators: {right}", f"GRANT {right} ON accounts_platformoperator TO ready_app"
    (partition,), *_others = walls.rows(
        "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY 1"
    )
    yield "a partition by its name", f"GRANT SELECT ON {partition} TO ready_app"
