from django.db import migrations

from ready.tenancy.operations import tenant_table


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_initial"), ("meters", "0002_walls")]
    operations = tenant_table(
        "notifications_infocodeperiod", references={"meter_id": "meters_meter"}
    )
