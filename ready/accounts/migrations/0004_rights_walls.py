from django.db import migrations

from ready.tenancy.operations import tenant_table


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_rights")]
    operations = [
        *tenant_table("accounts_rolepermission"),
        *tenant_table(
            "accounts_membershipgroup", references={"membership_id": "accounts_membership"}
        ),
    ]
