from django.db import migrations


class Migration(migrations.Migration):
    """Which bodies may go: asked once an hour, of few rows among many."""

    dependencies = [("collectors", "0005_outcome_hours")]

    operations = [
        migrations.RunSQL(
            """
            CREATE INDEX collectors_inboundbatch_settled
                ON collectors_inboundbatch (tenant_id, settled_at)
                WHERE body IS NOT NULL AND settled_at IS NOT NULL;
            """,
            "DROP INDEX collectors_inboundbatch_settled",
        )
    ]
