import django.db.models.deletion
from django.db import migrations, models

import ready.tenancy.context
import ready.tenancy.models
from ready.tenancy.operations import tenant_table


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_walls")]

    operations = [
        migrations.AddField(
            "auditentry",
            "outcome",
            models.CharField(
                choices=[("ok", "Done"), ("denied", "Denied"), ("failed", "Failed")],
                default="ok",
                max_length=8,
            ),
        ),
        migrations.AddField(
            "auditentry", "address", models.CharField(blank=True, default="", max_length=45)
        ),
        migrations.AlterField("auditentry", "address", models.CharField(blank=True, max_length=45)),
        migrations.AddField("auditentry", "details", models.JSONField(null=True)),
        migrations.AddField(
            "auditentry", "request_id", models.CharField(blank=True, default="", max_length=16)
        ),
        migrations.AlterField(
            "auditentry", "request_id", models.CharField(blank=True, max_length=16)
        ),
        migrations.AddField(
            "auditentry", "session", models.CharField(blank=True, default="", max_length=16)
        ),
        migrations.AlterField("auditentry", "session", models.CharField(blank=True, max_length=16)),
        migrations.AddField(
            "auditentry", "proof", models.CharField(blank=True, default="", max_length=12)
        ),
        migrations.AlterField("auditentry", "proof", models.CharField(blank=True, max_length=12)),
        migrations.AddField("auditentry", "actor_salt", models.BinaryField(null=True)),
        migrations.AddField("auditentry", "content_salt", models.BinaryField(null=True)),
        migrations.AddIndex(
            "auditentry",
            models.Index(
                fields=["tenant", "object_type", "object_id", "-occurred_at"],
                name="audit_by_object",
            ),
        ),
        migrations.AddIndex(
            "auditentry",
            models.Index(fields=["tenant", "actor_id", "-occurred_at"], name="audit_by_actor"),
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("seq", models.BigIntegerField(primary_key=True, serialize=False)),
                ("sealed_at", models.DateTimeField(auto_now_add=True)),
                ("actor_digest", models.BinaryField()),
                ("content_digest", models.BinaryField()),
                ("head", models.BinaryField()),
                ("signature", models.BinaryField(null=True)),
                (
                    "entry",
                    ready.tenancy.models.TenantForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="audit.auditentry",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        default=ready.tenancy.context.current_tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "entry"), name="audit_seal_once")
                ],
            },
        ),
        *tenant_table(
            "audit_auditseal",
            key="seq",
            references={"entry_id": "audit_auditentry"},
            grants="SELECT, INSERT",
        ),
    ]
