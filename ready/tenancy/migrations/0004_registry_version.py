from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenancy", "0003_limits")]
    operations = [
        migrations.AddField(
            "tenant",
            "registry_version",
            models.BigIntegerField(db_default=0, default=0, editable=False),
        ),
    ]
