from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("readings", "0012_outdoors"),
    ]

    operations = [
        migrations.AddField(
            model_name="erasurecertificate",
            name="parts",
            field=models.JSONField(default=None, null=True),
        ),
    ]
