import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import meters.sorting
import ready.tenancy.context
import ready.tenancy.models
from ready.tenancy.operations import tenant_table


class Migration(migrations.Migration):
    dependencies = [
        ("meters", "0004_codes_in_force"),
        ("tenancy", "0002_walls"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ListLayout",
            fields=[
                (
                    "id",
                    models.AutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("list_key", models.CharField(max_length=40)),
                ("columns", models.JSONField()),
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
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="MeterGroup",
            fields=[
                (
                    "id",
                    models.AutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                ("name", models.CharField(max_length=80)),
                (
                    "colour",
                    models.CharField(
                        choices=[
                            ("grey", "Grey"),
                            ("blue", "Blue"),
                            ("teal", "Teal"),
                            ("green", "Green"),
                            ("ochre", "Ochre"),
                            ("red", "Red"),
                            ("pink", "Pink"),
                            ("violet", "Violet"),
                        ],
                        default="grey",
                        max_length=10,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("hand", "By hand"), ("filter", "By a filter")],
                        default="hand",
                        max_length=8,
                    ),
                ),
                ("rule", models.CharField(blank=True, max_length=500)),
                ("size", models.IntegerField(default=0)),
                ("refreshed_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "name_key",
                    models.GeneratedField(
                        db_persist=True,
                        expression=meters.sorting.SortKey("name"),
                        output_field=models.TextField(db_collation="pg_c_utf8"),
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="MeterImport",
            fields=[
                (
                    "id",
                    models.AutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("uploaded", "Choose columns"),
                            ("checking", "Being checked"),
                            ("checked", "Checked"),
                            ("importing", "Being imported"),
                            ("done", "Imported"),
                            ("undone", "Undone"),
                            ("failed", "Failed"),
                        ],
                        default="uploaded",
                        max_length=10,
                    ),
                ),
                ("file_name", models.CharField(max_length=200)),
                ("content", models.BinaryField(null=True)),
                ("head", models.JSONField(default=list)),
                ("options", models.JSONField(default=dict)),
                ("actor_id", models.IntegerField(null=True)),
                ("actor_name", models.CharField(max_length=254)),
                ("computer", models.CharField(blank=True, max_length=120)),
                ("language", models.CharField(default="en", max_length=8)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("imported_at", models.DateTimeField(null=True)),
                ("rows", models.IntegerField(default=0)),
                ("done", models.IntegerField(default=0)),
                ("errors", models.JSONField(default=list)),
                ("counts", models.JSONField(default=dict)),
                ("made", models.JSONField(default=dict)),
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
            },
        ),
        migrations.CreateModel(
            name="SavedFilter",
            fields=[
                (
                    "id",
                    models.AutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("list_key", models.CharField(max_length=40)),
                ("name", models.CharField(max_length=80)),
                ("query", models.CharField(max_length=500)),
                ("shared", models.BooleanField(default=False)),
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
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.AddField(
            model_name="meter",
            name="grouped",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="meter",
            name="imported_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="meter",
            index=models.Index(
                condition=models.Q(("grouped", False)),
                fields=["tenant", "id"],
                name="meters_ungrouped",
            ),
        ),
        migrations.AddIndex(
            model_name="meter",
            index=models.Index(
                condition=models.Q(("imported_at__isnull", False)),
                fields=["tenant", "imported_at"],
                name="meters_imported",
            ),
        ),
        migrations.CreateModel(
            name="GroupMember",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tenant_id",
                        "group_id",
                        "meter_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        default=ready.tenancy.context.current_tenant_id,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
                (
                    "group",
                    ready.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="meters.metergroup",
                    ),
                ),
                (
                    "meter",
                    ready.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="memberships",
                        to="meters.meter",
                    ),
                ),
            ],
            options={"base_manager_name": "objects"},
        ),
        migrations.AddConstraint(
            model_name="listlayout",
            constraint=models.UniqueConstraint(
                fields=("tenant", "user", "list_key"), name="meters_layout_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="metergroup",
            constraint=models.UniqueConstraint(
                fields=("tenant", "name_key"), name="meters_group_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="metergroup",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "hand"), ("rule", "")), ("kind", "filter"), _connector="OR"
                ),
                name="meters_group_rule",
            ),
        ),
        migrations.AddIndex(
            model_name="groupmember",
            index=models.Index(fields=["tenant", "meter", "group"], name="meters_member_meter"),
        ),
        migrations.AddIndex(
            model_name="meterimport",
            index=models.Index(fields=["tenant", "-created_at"], name="meters_import_by_time"),
        ),
        migrations.AddIndex(
            model_name="meterimport",
            index=models.Index(
                condition=models.Q(("state__in", ["checking", "importing"])),
                fields=["tenant", "id"],
                name="meters_import_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="savedfilter",
            constraint=models.UniqueConstraint(
                fields=("tenant", "user", "list_key", "name"), name="meters_savedfilter_once"
            ),
        ),
        *tenant_table("meters_metergroup"),
        *tenant_table(
            "meters_groupmember",
            key="group_id, meter_id",
            references={"group_id": "meters_metergroup", "meter_id": "meters_meter"},
        ),
        *tenant_table("meters_listlayout"),
        *tenant_table("meters_savedfilter"),
        *tenant_table("meters_meterimport"),
    ]
