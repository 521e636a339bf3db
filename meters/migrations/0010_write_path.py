from django.db import migrations, models

import meters.models


class Migration(migrations.Migration):
    """A telegram touches no index of the state; workers see what changed in the registry.

    Triggers, because a change that is forgotten would leave a worker with an old key, and because
    these tables are small and change seldom. One write a transaction: the version is its number.
    """

    dependencies = [("meters", "0009_place_position"), ("tenancy", "0004_registry_version")]
    operations = [
        migrations.RemoveIndex("meterstate", "meters_state_heard"),
        migrations.AddField(
            "meterstate",
            "heard_on",
            models.GeneratedField(
                db_persist=True,
                expression=meters.models.UtcDay("heard_at"),
                output_field=models.DateField(),
            ),
        ),
        migrations.AddIndex(
            "meterstate",
            models.Index(fields=["tenant", "heard_on"], name="meters_state_heard_on"),
        ),
        migrations.RunSQL(
            """
            CREATE FUNCTION meters_registry_changed() RETURNS trigger LANGUAGE plpgsql AS $body$
            BEGIN
                UPDATE tenancy_tenant SET registry_version = pg_current_xact_id()::text::bigint
                WHERE id = current_setting('app.tenant')::int
                  AND registry_version <> pg_current_xact_id()::text::bigint;
                RETURN NULL;
            END
            $body$;
            CREATE TRIGGER registry_changed
                AFTER UPDATE OF manufacturer, number, version, interval_s OR DELETE ON meters_meter
                FOR EACH STATEMENT EXECUTE FUNCTION meters_registry_changed();
            CREATE TRIGGER registry_changed AFTER INSERT OR UPDATE OR DELETE ON meters_meterkey
                FOR EACH STATEMENT EXECUTE FUNCTION meters_registry_changed();
            CREATE TRIGGER registry_changed AFTER UPDATE OR DELETE ON meters_meteraddress
                FOR EACH STATEMENT EXECUTE FUNCTION meters_registry_changed();
            """,
            migrations.RunSQL.noop,
        ),
    ]
