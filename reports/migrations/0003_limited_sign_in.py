"""A member limited to groups of meters may link and use their own outside log-in, too."""

from django.db import migrations

from ready.tenancy.operations import USER_IF_ANY


class Migration(migrations.Migration):
    dependencies = (("reports", "0002_limited_members"),)
    operations = (
        migrations.RunSQL(
            f"""
            ALTER POLICY limited ON accounts_externalidentity
                USING (user_id = {USER_IF_ANY}) WITH CHECK (user_id = {USER_IF_ANY});
            DROP POLICY limited ON accounts_identityprovider;""",
            migrations.RunSQL.noop,
        ),
    )
