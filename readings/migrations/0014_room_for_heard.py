from django.db import migrations


class Migration(migrations.Migration):
    """Partitions that are there get the room that new ones are made with (readings.apps)."""

    dependencies = [
        ("readings", "0013_certificate_parts"),
    ]

    operations = [
        migrations.RunSQL(
            """
            DO $$
            DECLARE part regclass;
            BEGIN
                FOR part IN SELECT inhrelid::regclass FROM pg_inherits
                            WHERE inhparent = 'readings_heardday'::regclass
                LOOP
                    EXECUTE format('ALTER TABLE %s SET (fillfactor = 50)', part);
                END LOOP;
            END $$
            """,
            migrations.RunSQL.noop,
        ),
    ]
