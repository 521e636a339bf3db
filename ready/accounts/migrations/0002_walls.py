from django.db import migrations

from ready.tenancy.operations import (
    RUNTIME_ROLE,
    TENANT,
    TENANT_IF_ANY,
    USER_IF_ANY,
)


class Migration(migrations.Migration):
    """People are read at log-in, before any tenant; memberships by their person or tenant."""

    dependencies = [
        ("accounts", "0001_initial"),
        ("tenancy", "0002_walls"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("sessions", "0001_initial"),
    ]
    operations = [
        migrations.RunSQL(
            f"""
            ALTER TABLE accounts_user ENABLE ROW LEVEL SECURITY;
            ALTER TABLE accounts_user FORCE ROW LEVEL SECURITY;
            CREATE POLICY everyone_reads ON accounts_user FOR SELECT USING (true);
            CREATE POLICY everyone_adds ON accounts_user FOR INSERT WITH CHECK (true);
            CREATE POLICY everyone_changes ON accounts_user FOR UPDATE USING (true);
            GRANT SELECT, INSERT, UPDATE ON accounts_user TO {RUNTIME_ROLE};

            ALTER TABLE accounts_membership DROP CONSTRAINT accounts_membership_pkey;
            ALTER TABLE accounts_membership ADD PRIMARY KEY (tenant_id, id);
            ALTER TABLE accounts_membership ENABLE ROW LEVEL SECURITY;
            ALTER TABLE accounts_membership FORCE ROW LEVEL SECURITY;
            CREATE POLICY own_or_tenants ON accounts_membership FOR SELECT
                USING (tenant_id = {TENANT_IF_ANY} OR user_id = {USER_IF_ANY});
            CREATE POLICY tenant_inserts ON accounts_membership FOR INSERT
                WITH CHECK (tenant_id = {TENANT});
            CREATE POLICY tenant_updates ON accounts_membership FOR UPDATE
                USING (tenant_id = {TENANT}) WITH CHECK (tenant_id = {TENANT});
            CREATE POLICY tenant_deletes ON accounts_membership FOR DELETE
                USING (tenant_id = {TENANT});
            GRANT SELECT, INSERT, UPDATE, DELETE ON accounts_membership TO {RUNTIME_ROLE};

            GRANT SELECT, INSERT, UPDATE, DELETE ON django_session, account_emailaddress,
                account_emailconfirmation TO {RUNTIME_ROLE};
            GRANT SELECT ON django_content_type, auth_permission, django_migrations
                TO {RUNTIME_ROLE};
            """,
            migrations.RunSQL.noop,
        )
    ]
