from django.db import migrations

from ready.tenancy.operations import open_reading_walls, tenant_table


class Migration(migrations.Migration):
    dependencies = [("meters", "0001_initial"), ("tenancy", "0002_walls")]
    operations = [
        *tenant_table("meters_customer"),
        *tenant_table("meters_supplypoint", references={"customer_id": "meters_customer"}),
        *tenant_table("meters_meter"),
        *tenant_table(
            "meters_installation",
            references={"supply_point_id": "meters_supplypoint", "meter_id": "meters_meter"},
        ),
        *tenant_table("meters_meterkey", references={"meter_id": "meters_meter"}),
        *tenant_table("meters_meterstate", key="meter_id", references={"meter_id": "meters_meter"}),
        migrations.RunSQL(
            """
            SET LOCAL app.tenant = '0';
            -- Changes at every telegram; room on the page keeps the updates away from the index.
            ALTER TABLE meters_meterstate SET (fillfactor = 50);
            ALTER TABLE meters_meteraddress DROP CONSTRAINT meters_meteraddress_pkey;
            ALTER TABLE meters_meteraddress ADD PRIMARY KEY (tenant_id, id);
            ALTER TABLE meters_meteraddress ADD CONSTRAINT meters_meteraddress_meter_id_fk
                FOREIGN KEY (tenant_id, meter_id) REFERENCES meters_meter (tenant_id, id);
            """,
            migrations.RunSQL.noop,
        ),
        *open_reading_walls("meters_meteraddress"),
    ]
