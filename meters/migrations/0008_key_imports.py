import django.db.models.deletion
from django.db import migrations, models

import ready.tenancy.context
import ready.tenancy.models
from ready.tenancy.operations import tenant_table


def _id() -> tuple[str, models.AutoField]:
    field = models.AutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )
    return "id", field


def _tenant() -> tuple[str, models.ForeignKey]:
    field = models.ForeignKey(
        db_constraint=False,
        db_index=False,
        default=ready.tenancy.context.current_tenant_id,
        editable=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="tenancy.tenant",
    )
    return "tenant", field


class Migration(migrations.Migration):
    dependencies = [("meters", "0007_exchange_occupancy"), ("tenancy", "0002_walls")]

    operations = [
        migrations.AddField("meterkey", "fingerprint", models.BinaryField(null=True)),
        migrations.AddIndex(
            "meterkey",
            models.Index(fields=["tenant", "fingerprint"], name="meters_meterkey_equal"),
        ),
        migrations.CreateModel(
            name="KeyImport",
            fields=[
                _id(),
                ("file_name", models.CharField(max_length=120)),
                ("kind", models.CharField(max_length=8)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("preview", "Preview"),
                            ("imported", "Imported"),
                            ("taken_back", "Taken back"),
                        ],
                        default="preview",
                        max_length=12,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("created_by", models.CharField(max_length=254)),
                ("imported_at", models.DateTimeField(null=True)),
                _tenant(),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["tenant", "-created_at"], name="meters_keyimport_time")
                ],
            },
        ),
        migrations.CreateModel(
            name="KeyImportRow",
            fields=[
                _id(),
                ("line", models.IntegerField()),
                ("manufacturer", models.CharField(max_length=3)),
                ("number", models.CharField(max_length=40)),
                ("medium", models.CharField(blank=True, max_length=16)),
                ("meter_type", models.CharField(blank=True, max_length=60)),
                ("finding", models.CharField(max_length=12)),
                ("sealed", models.BinaryField(null=True)),
                ("fingerprint", models.BinaryField(null=True)),
                ("tried", models.SmallIntegerField(default=0)),
                ("opened", models.SmallIntegerField(default=0)),
                ("version", models.IntegerField(null=True)),
                (
                    "meter",
                    ready.tenancy.models.TenantForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="meters.meter",
                    ),
                ),
                (
                    "of_import",
                    ready.tenancy.models.TenantForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="meters.keyimport",
                    ),
                ),
                _tenant(),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["tenant", "meter"], name="meters_keyimportrow_meter")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "of_import", "line"), name="meters_keyimportrow_line"
                    )
                ],
            },
        ),
        *tenant_table("meters_keyimport"),
        *tenant_table(
            "meters_keyimportrow",
            references={"of_import_id": "meters_keyimport", "meter_id": "meters_meter"},
        ),
    ]
