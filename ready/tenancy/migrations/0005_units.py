from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenancy", "0004_registry_version")]
    operations = [
        migrations.AddField(
            "tenant", name, models.CharField(default=unit, db_default=unit, max_length=8)
        )
        for name, unit in (
            ("volume_unit", "m³"),
            ("flow_unit", "L/h"),
            ("power_unit", "kW"),
            ("pressure_unit", "bar"),
        )
    ]
