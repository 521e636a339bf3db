from django.db import migrations, models


class Migration(migrations.Migration):
    """Telegrams that were stored are not looked for by outcome."""

    dependencies = [("collectors", "0006_settled_bodies")]
    operations = [
        migrations.RemoveIndex("telegram", "collectors_telegram_out"),
        migrations.AddIndex(
            "telegram",
            models.Index(
                condition=models.Q(("outcome__gte", 16)),
                fields=["tenant", "outcome", "received_on", "batch_id", "item"],
                name="collectors_telegram_aside",
            ),
        ),
    ]
