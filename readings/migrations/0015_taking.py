import datetime
import uuid

import django.db.models.deletion
from django.db import migrations, models

from ready.tenancy.operations import limited, walls


class Migration(migrations.Migration):
    """Who takes marks away tells so, whatever the statement: see `readings.standing`.

    A trigger, because a taking that is not told would leave a worker with marks that do not stand
    any more, also where the program of before an upgrade still takes them. It runs once a
    statement, and no statement that stores readings takes marks.
    """

    dependencies = [("readings", "0014_room_for_heard")]

    operations = [
        migrations.CreateModel(
            name="Taking",
            fields=[
                (
                    "tenant",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="tenancy.tenant",
                    ),
                ),
                ("token", models.UUIDField(default=uuid.uuid4)),
                ("newest", models.DateField(default=datetime.date.min)),
            ],
            options={"base_manager_name": "objects"},
        ),
        *walls("readings_taking", grants="SELECT, INSERT, UPDATE"),
        limited("readings_taking", None),
        migrations.RunSQL(
            """
            SET LOCAL app.tenant = '0';  -- the check of a new key reads the table, which is empty
            ALTER TABLE readings_taking SET UNLOGGED;
            ALTER TABLE readings_taking ADD CONSTRAINT readings_taking_tenant_fk
                FOREIGN KEY (tenant_id) REFERENCES tenancy_tenant (id);
            CREATE FUNCTION readings_marks_taken() RETURNS trigger LANGUAGE plpgsql AS $body$
            BEGIN
                INSERT INTO readings_taking AS t (tenant_id, token, newest)
                SELECT tenant_id, gen_random_uuid(), max(day) FROM gone GROUP BY tenant_id
                ON CONFLICT (tenant_id) DO UPDATE SET newest = excluded.newest
                WHERE t.newest < excluded.newest;
                RETURN NULL;
            END
            $body$;
            CREATE TRIGGER marks_taken AFTER DELETE ON readings_dirtyday
                REFERENCING OLD TABLE AS gone
                FOR EACH STATEMENT EXECUTE FUNCTION readings_marks_taken();
            """,
            """
            DROP TRIGGER marks_taken ON readings_dirtyday;
            DROP FUNCTION readings_marks_taken();
            """,
        ),
    ]
