from django.db import migrations, models


class Migration(migrations.Migration):
    """Days are marked by the statements that change readings (`readings.marks`), not by triggers;
    what a target date or a log told is known register by register."""

    dependencies = [("readings", "0005_findings")]
    operations = [
        migrations.RunSQL(
            """
            DROP TRIGGER readings_added ON readings_reading;
            DROP TRIGGER readings_changed ON readings_reading;
            DROP TRIGGER readings_removed ON readings_reading;
            DROP FUNCTION readings_mark_days();
            """,
            migrations.RunSQL.noop,
        ),
        migrations.AddField("reading", "fixed", models.IntegerField(null=True)),
    ]
