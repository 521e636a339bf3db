from django.db import migrations

from ready.tenancy.operations import open_reading_walls


class Migration(migrations.Migration):
    dependencies = [("tenancy", "0001_initial")]
    # Deleting a utility is not an act of the run-time role.
    operations = [
        *open_reading_walls("tenancy_tenant", column="id", grants="SELECT, INSERT, UPDATE"),
        migrations.RunSQL(
            # A new utility cannot be "in its own context" before it exists.
            """DROP POLICY tenant_inserts ON tenancy_tenant;
               CREATE POLICY anyone_inserts ON tenancy_tenant FOR INSERT WITH CHECK (true);""",
            migrations.RunSQL.noop,
        ),
    ]
