import django.db.models.functions.datetime
from django.db import migrations, models

import collectors.outcomes


class Migration(migrations.Migration):
    """Fair turns among collectors, batches kept back, and what was touched last in one."""

    dependencies = [("collectors", "0003_replay_wanted"), ("tenancy", "0002_walls")]

    operations = [
        # Batches that wait from before are a queue of their own (collector 0).
        migrations.AddField(
            model_name="pendingwork",
            name="collector_id",
            field=models.IntegerField(default=0),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="pendingwork",
            name="not_before",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddField(
            model_name="pendingwork", name="suspect", field=models.IntegerField(null=True)
        ),
        migrations.AddField(
            model_name="pendingwork",
            name="suspected",
            field=models.SmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="pendingwork", name="looked", field=models.BooleanField(default=False)
        ),
        migrations.AddIndex(
            model_name="pendingwork",
            index=models.Index(
                fields=["tenant", "collector_id", "received_on", "batch_id"],
                name="collectors_work_queue",
            ),
        ),
        migrations.AddIndex(
            model_name="pendingwork",
            index=models.Index(
                condition=models.Q(("looked", False)),
                fields=["tenant", "received_on", "batch_id"],
                name="collectors_work_fresh",
            ),
        ),
        migrations.AlterField(
            model_name="telegram",
            name="outcome",
            field=models.SmallIntegerField(choices=collectors.outcomes.Outcome.choices),
        ),
    ]
