"""The database's own catalogue says that every table stands behind its wall.

Generated from the catalogue: a table added tomorrow is held to this without a line here. What
must be read before a utility is known is a short allowlist, each with its reason.
"""

import pytest
from django.apps import apps
from django.db import connection

# Read before the tenant is known; each has policies of its own.
BEFORE_THE_TENANT = {
    "tenancy_tenant": "which utility an address names",
    "accounts_user": "who logs in",
    "accounts_membership": "which utilities are mine",
    "accounts_platformoperator": "who runs the platform",
    "collectors_collectortoken": "whose token this is",
    "meters_meteraddress": "to whom a telegram is routed",
    "collectors_pendingwork": "which utility has work waiting",
    "meters_replaywanted": "which utility has telegrams to replay",
}
# Django's and allauth's own; nothing of a utility in them.
NOT_A_TENANTS = {
    "django_migrations",
    "django_content_type",
    "django_session",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
    "account_emailaddress",
    "account_emailconfirmation",
    "accounts_loginthrottle",
    "mfa_authenticator",
    "usersessions_usersession",
    "ready_cache",
}
# Indexes, by table and first column, that cannot begin with the tenant: they are what finds it.
FINDS_THE_TENANT = {
    ("tenancy_tenant", "id"),
    ("tenancy_tenant", "slug"),
    ("accounts_user", "id"),
    ("accounts_user", "email"),
    ("accounts_membership", "user_id"),
    ("accounts_platformoperator", "user_id"),
    ("collectors_collectortoken", "prefix"),
    ("meters_meteraddress", "manufacturer"),
}
pytestmark = pytest.mark.django_db


def rows(sql: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        found: list[tuple[object, ...]] = cursor.fetchall()
    return found


def tables() -> set[str]:
    return {
        str(name)
        for (name,) in rows(
            """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
               AND relkind IN ('r', 'p') AND NOT relispartition"""
        )
    }


def test_every_table_is_known() -> None:
    ours = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    assert tables() - ours == {"django_migrations", "ready_cache"}


def test_row_level_security_is_forced_on_every_tenants_table() -> None:
    walled = {
        name
        for (name,) in rows(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
        )
    }
    assert tables() - walled == NOT_A_TENANTS


def test_one_policy_for_all_but_the_allowlist() -> None:
    policies = {
        table: (command, using, check)
        for table, command, using, check in rows(
            """SELECT tablename, cmd, qual, with_check FROM pg_policies
               WHERE schemaname = 'public' AND permissive = 'PERMISSIVE'"""
        )
        if table not in BEFORE_THE_TENANT
    }
    wall = "(tenant_id = (current_setting('app.tenant'::text))::integer)"
    assert set(policies) == tables() - NOT_A_TENANTS - set(BEFORE_THE_TENANT)
    assert set(policies.values()) == {("ALL", wall, wall)}


def test_the_allowlist_lets_only_the_tenant_write() -> None:
    loose = {
        (table, command)
        for table, command, using, check in rows(
            """SELECT tablename, cmd, qual, with_check FROM pg_policies
               WHERE schemaname = 'public' AND cmd <> 'SELECT' AND permissive = 'PERMISSIVE'"""
        )
        if table in BEFORE_THE_TENANT
        # Both which rows are reached and what may become of them.
        and any("app.tenant" not in half for half in (using, check) if isinstance(half, str))
        and table != "accounts_platformoperator"  # the owner's alone: the next test
    }
    # People belong to no utility, and a new utility cannot be inside itself before it exists.
    assert loose == {
        ("accounts_user", "INSERT"),
        ("accounts_user", "UPDATE"),
        ("tenancy_tenant", "INSERT"),
    }


def test_the_allowlist_shows_what_it_must_and_no_more() -> None:
    """Of these tables everybody reads all; of the others one's own, or one's utility's."""
    open_to_read = {
        table
        for table, using in rows(
            """SELECT tablename, qual FROM pg_policies WHERE schemaname = 'public'
               AND cmd IN ('SELECT', 'ALL') AND permissive = 'PERMISSIVE'"""
        )
        if "app." not in str(using)
    }
    assert open_to_read == set(BEFORE_THE_TENANT) - {"accounts_membership"}


def test_the_run_time_role_makes_no_operators() -> None:
    granted = rows(
        """SELECT privilege_type FROM information_schema.role_table_grants
           WHERE table_name = 'accounts_platformoperator' AND grantee = current_user"""
    )
    assert granted == [("SELECT",)]


def test_no_trigger_but_on_the_small_registry() -> None:
    """Not on what telegrams write: it would cost every batch, and tables that are split over
    several servers may have none (docs/decisions/0011-write-path.md)."""
    found = rows("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal")
    assert {table for (table,) in found} == {
        "meters_meter",
        "meters_meterkey",
        "meters_meteraddress",
    }


def test_every_key_and_index_begins_with_the_tenant() -> None:
    first_columns = rows(
        """SELECT t.relname, a.attname
           FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid
           LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
           WHERE t.relnamespace = 'public'::regnamespace AND NOT t.relispartition
             AND t.relkind IN ('r', 'p')"""
    )
    assert {
        (table, column)
        for table, column in first_columns
        if table not in NOT_A_TENANTS and column != "tenant_id"
    } == FINDS_THE_TENANT


def test_every_foreign_key_between_tenants_tables_carries_the_tenant() -> None:
    plain = rows(
        """SELECT c.conname FROM pg_constraint c
           JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class f ON f.oid = c.confrelid
           WHERE c.contype = 'f' AND NOT t.relispartition
             AND EXISTS (SELECT 1 FROM pg_attribute a
                         WHERE a.attrelid = f.oid AND a.attname = 'tenant_id')
             AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = t.oid
                             AND a.attname = 'tenant_id' AND a.attnum = ANY (c.conkey))"""
    )
    assert plain == []


def test_every_reference_in_a_model_is_a_foreign_key_in_the_database() -> None:
    there = {
        (table, column)
        for table, column in rows(
            """SELECT t.relname, a.attname FROM pg_constraint c
               JOIN pg_class t ON t.oid = c.conrelid
               JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (c.conkey)
               WHERE c.contype = 'f' AND NOT t.relispartition"""
        )
    }
    wanted = {
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.is_relation and model._meta.db_table not in NOT_A_TENANTS
    }
    big = {
        "readings_reading",
        "collectors_inboundbatch",
        "collectors_telegram",
        "collectors_outcomehour",
    }
    missing = {(table, column) for table, column in wanted - there if table not in big}
    # The allowlist's own tenant columns point at nothing that could be wrong: policies check them.
    assert {pair for pair in missing if pair[1] != "tenant_id"} == set()


def test_the_run_time_role_owns_nothing_and_passes_no_wall() -> None:
    assert rows("SELECT current_user") == [("ready_app",)]
    assert rows(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles "
        "WHERE rolname = current_user"
    ) == [(False, False, False, False)]
    assert rows("SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) = current_user") == []
    # It may become who sees less, and gets nothing by that unless it does.
    assert rows(
        """SELECT roleid::regrole::text, inherit_option, admin_option FROM pg_auth_members
           WHERE member = current_user::regrole"""
    ) == [("ready_limited", False, False)]


def grants(role: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for table, kind in rows(
        f"""SELECT c.relname, one.privilege_type FROM pg_class c, aclexplode(c.relacl) one
            WHERE c.relnamespace = 'public'::regnamespace AND one.grantee = '{role}'::regrole"""
    ):
        found.setdefault(str(table), set()).add(str(kind))
    return found


def test_a_limited_member_reaches_what_was_thought_about_and_no_more() -> None:
    """Every table has a policy of the limited role, or is one of these, or is closed to it."""
    narrowed = {
        table
        for table, using, check in rows(
            """SELECT tablename, qual, with_check FROM pg_policies
               WHERE permissive = 'RESTRICTIVE' AND roles = '{ready_limited}' AND cmd = 'ALL'"""
        )
        if using == check
    }
    granted = grants("ready_limited")
    whole = set(granted) - narrowed
    assert whole == {
        "accounts_identityprovider",
        "accounts_membership",
        "accounts_platformoperator",
        "accounts_rolepermission",
        "accounts_user",
        "accounts_visit",
        "audit_auditentry",
        "collectors_collector",
        "collectors_frameformat",
        "django_content_type",
        "django_session",
        "mfa_authenticator",
        "meters_listlayout",
        "meters_savedfilter",
        "readings_outdoorday",
        "readings_outdoorhour",
        "readings_taking",
        "readings_upkeep",
        "ready_cache",
        "reports_letterhead",
        "tenancy_tenant",
        "usersessions_usersession",
    }
    ours = grants("ready_app")
    assert all(kinds <= ours[table] for table, kinds in granted.items())
    of_a_meter = {
        table
        for (table,) in rows(
            """SELECT table_name::text FROM information_schema.columns
               WHERE table_schema = 'public' AND column_name = 'meter_id'"""
        )
        if table in tables()
    }
    assert of_a_meter & whole == set()
    assert rows(
        "SELECT rolcanlogin, rolbypassrls, rolsuper FROM pg_roles WHERE rolname = 'ready_limited'"
    ) == [(False, False, False)]


def test_the_run_time_role_reaches_no_partition_by_name() -> None:
    """A partition asked by its own name does not apply its parent's policy."""
    assert (
        rows(
            """SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'
               AND has_table_privilege(current_user, oid, 'SELECT')"""
        )
        == []
    )


def test_the_trail_can_only_be_added_to() -> None:
    granted = {
        privilege
        for (privilege,) in rows(
            """SELECT privilege_type FROM information_schema.role_table_grants
               WHERE table_name IN ('audit_auditentry', 'audit_auditseal')
                 AND grantee = current_user"""
        )
    }
    assert granted == {"SELECT", "INSERT"}


def test_models_of_tables_made_by_hand_match_them() -> None:
    kinds = {
        "IntegerField": "integer",
        "BigIntegerField": "bigint",
        "SmallIntegerField": "smallint",
        "DateTimeField": "timestamp with time zone",
        "DateField": "date",
        "BinaryField": "bytea",
        "JSONField": "jsonb",
        "ForeignKey": "integer",
        "CharField": "character varying",
    }
    for model in apps.get_models():
        if not model.__module__.startswith(("readings", "collectors")):
            continue
        there = {
            column: (kind, nullable == "YES")
            for column, kind, nullable in rows(
                f"""SELECT column_name, data_type, is_nullable FROM information_schema.columns
                    WHERE table_name = '{model._meta.db_table}'"""
            )
        }
        told = {
            field.column: (kinds.get(field.get_internal_type(), ""), field.null)
            for field in model._meta.concrete_fields
            if field.get_internal_type() in kinds
        }
        assert {name: there[name] for name in told} == told, model
