from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_people_walls")]
    operations = [
        migrations.AddField(
            "user", name, models.CharField(blank=True, default="", db_default="", max_length=8)
        )
        for name in ("energy_unit", "volume_unit", "flow_unit", "power_unit", "pressure_unit")
    ]
