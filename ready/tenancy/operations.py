"""Migration steps that raise the database's wall between utilities.

Django 5.2 refuses a ForeignKey to a composite key (fields.E347), so it sees `id` as the key and
these steps give the table what it really has: a primary key and foreign keys that begin with
tenant_id, forced row-level security with one policy, and grants to the run-time role. A test
reads the catalogue and fails for any table that was forgotten.
"""

from collections.abc import Mapping

from django.db.migrations import RunSQL

OWNER_ROLE = "ready_owner"
RUNTIME_ROLE = "ready_app"
MAINTENANCE_ROLE = "ready_maintenance"
# What the run-time role becomes for a member who is limited to groups of meters.
LIMITED_ROLE = "ready_limited"
ALL = "SELECT, INSERT, UPDATE, DELETE"
# current_setting without missing_ok: a forgotten tenant is an error, not an empty page. After a
# transaction that used SET LOCAL the setting reads '', which no integer is made of.
TENANT = "current_setting('app.tenant')::int"
# For the few tables that are also read before a tenant is known.
TENANT_IF_ANY = "NULLIF(current_setting('app.tenant', true), '')::int"
# Without the groups, or with '', this raises, too.
GROUPS = "current_setting('app.groups')::int[]"
MEMBERS = f"""SELECT g.meter_id FROM meters_groupmember g
    WHERE g.tenant_id = {TENANT} AND g.group_id = ANY ({GROUPS})"""  # noqa: S608
USER_IF_ANY = "NULLIF(current_setting('app.user', true), '')::int"


def tenant_table(
    table: str,
    *,
    references: Mapping[str, str] | None = None,
    key: str = "id",
    grants: str = ALL,
) -> list[RunSQL]:
    """Turn a table that Django just made into a utility's own.

    references: column → table it points into, whose key is (tenant_id, id).
    """
    foreign = "".join(
        f"""
        ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_fk
            FOREIGN KEY (tenant_id, {column}) REFERENCES {target} (tenant_id, id);"""
        for column, target in (references or {}).items()
    )
    # Checking a new foreign key reads the table it points into, whose policy wants a tenant; the
    # new table is empty, so nobody's rows (0) will do. SET LOCAL ends with the migration.
    rekey = f"""
        SET LOCAL app.tenant = '0';
        ALTER TABLE {table} DROP CONSTRAINT {table}_pkey;
        ALTER TABLE {table} ADD PRIMARY KEY (tenant_id, {key});
        ALTER TABLE {table} ADD CONSTRAINT {table}_tenant_fk
            FOREIGN KEY (tenant_id) REFERENCES tenancy_tenant (id);{foreign}"""
    return [RunSQL(rekey, RunSQL.noop), *walls(table, grants=grants)]


def walls(
    table: str,
    *,
    read: str = TENANT,
    write: str = TENANT,
    grants: str = ALL,
    column: str = "tenant_id",
) -> list[RunSQL]:
    """Forced row-level security and grants; read and write name whose rows are in reach."""
    return [
        RunSQL(
            f"""
            ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
            ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
            CREATE POLICY tenant ON {table}
                USING ({column} = {read}) WITH CHECK ({column} = {write});
            GRANT {grants} ON {table} TO {RUNTIME_ROLE};""",
            RunSQL.noop,
        )
    ]


def open_reading_walls(table: str, *, column: str = "tenant_id", grants: str = ALL) -> list[RunSQL]:
    """For the allowlist: anyone at run time may read, only the tenant itself may write."""
    return [
        RunSQL(
            f"""
            ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
            ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
            CREATE POLICY everyone_reads ON {table} FOR SELECT USING (true);
            CREATE POLICY tenant_inserts ON {table} FOR INSERT
                WITH CHECK ({column} = {TENANT});
            CREATE POLICY tenant_updates ON {table} FOR UPDATE
                USING ({column} = {TENANT}) WITH CHECK ({column} = {TENANT});
            CREATE POLICY tenant_deletes ON {table} FOR DELETE USING ({column} = {TENANT});
            GRANT {grants} ON {table} TO {RUNTIME_ROLE};""",
            RunSQL.noop,
        )
    ]


def limited(table: str, condition: str | None) -> RunSQL:
    """What a member limited to groups of meters reaches of a table: what the run-time role may
    do with it, and of its rows those of `condition`; None for all.

    The policy is the limited role's alone, so it costs nobody else anything. A table without this
    step is closed to limited members: they have no grant.
    """
    policy = (
        ""
        if condition is None
        else f"CREATE POLICY limited ON {table} AS RESTRICTIVE TO {LIMITED_ROLE} "
        f"USING ({condition}) WITH CHECK ({condition});"
    )
    return RunSQL(
        f"""{policy}
        DO $do$ DECLARE held text; BEGIN
            SELECT string_agg(privilege_type, ', ') INTO held
            FROM information_schema.role_table_grants
            WHERE table_schema = 'public' AND table_name = '{table}' AND grantee = '{RUNTIME_ROLE}';
            EXECUTE format('GRANT %s ON {table} TO {LIMITED_ROLE}', held);
        END $do$;""",  # noqa: S608  names of our own
        RunSQL.noop,
    )


def of_meters(column: str = "meter_id") -> str:
    """The condition of rows of meters that are in the groups."""
    return f"{column} IN ({MEMBERS})"
