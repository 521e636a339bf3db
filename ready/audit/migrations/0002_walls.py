from django.db import migrations

from ready.tenancy.operations import tenant_table


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial"), ("tenancy", "0002_walls")]
    operations = tenant_table("audit_auditentry", grants="SELECT, INSERT")
