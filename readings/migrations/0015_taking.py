import datetime
import uuid

import django.db.models.deletion
from django.db import migrations, models

from ready.tenancy.operations import limited, walls


class Migration(migrations.Migration):
    """What marks that are known to stand are known under: see `readings.standing`."""

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
            """,
            migrations.RunSQL.noop,
        ),
    ]
