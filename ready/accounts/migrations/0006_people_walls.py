from django.db import migrations

from ready.tenancy.operations import OWNER_ROLE, RUNTIME_ROLE, tenant_table


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_people"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("usersessions", "0001_initial"),
    ]
    operations = [
        *tenant_table("accounts_invitation"),
        *tenant_table("accounts_apitoken"),
        *tenant_table("accounts_identityprovider"),
        *tenant_table("accounts_externalidentity"),
        *tenant_table("accounts_visit", grants="SELECT, INSERT, UPDATE"),
        migrations.RunSQL(
            f"""
            -- Operators are made by the owner alone: whoever takes over the web process cannot
            -- make one of themselves.
            ALTER TABLE accounts_platformoperator ENABLE ROW LEVEL SECURITY;
            ALTER TABLE accounts_platformoperator FORCE ROW LEVEL SECURITY;
            CREATE POLICY everyone_reads ON accounts_platformoperator FOR SELECT USING (true);
            CREATE POLICY owner_writes ON accounts_platformoperator TO {OWNER_ROLE}
                USING (true) WITH CHECK (true);
            GRANT SELECT ON accounts_platformoperator TO {RUNTIME_ROLE};

            GRANT SELECT, INSERT, UPDATE, DELETE ON accounts_loginthrottle, mfa_authenticator,
                usersessions_usersession TO {RUNTIME_ROLE};

            -- Django's database cache, as createcachetable would make it.
            CREATE TABLE ready_cache (
                cache_key varchar(255) NOT NULL PRIMARY KEY,
                value text NOT NULL,
                expires timestamptz NOT NULL
            );
            CREATE INDEX ready_cache_expires ON ready_cache (expires);
            GRANT SELECT, INSERT, UPDATE, DELETE ON ready_cache TO {RUNTIME_ROLE};
            """,
            migrations.RunSQL.noop,
        ),
    ]
