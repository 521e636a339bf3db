from django.db import migrations

from ready.tenancy.operations import walls


class Migration(migrations.Migration):
    """The table as it really is: partitioned by month, columns in the order that packs best.

    Django made a plain, still empty one in 0001; a test holds the model against this.
    """

    dependencies = [("readings", "0001_initial"), ("tenancy", "0002_walls")]
    operations = [
        migrations.RunSQL(
            """
            DROP TABLE readings_reading;
            CREATE TABLE readings_reading (
                meter_id    integer NOT NULL,
                tenant_id   integer NOT NULL,
                ts          timestamptz NOT NULL,
                received_at timestamptz NOT NULL,
                e1 bigint, e2 bigint, e3 bigint, v1 bigint, v2 bigint,
                a_pos bigint, a_neg bigint, r_pos bigint, r_neg bigint,
                in_a bigint, in_b bigint, info bigint,
                e8 integer, e9 integer, flow1 integer, flow2 integer,
                power1 integer, p_pos integer, p_neg integer,
                t1 integer, t2 integer, t3 integer, t4 integer,
                t_water integer, t_ambient integer, p1 integer, p2 integer, hours integer,
                origin smallint NOT NULL,
                trust smallint NOT NULL,
                kind smallint NOT NULL,
                extra jsonb,
                PRIMARY KEY (tenant_id, meter_id, ts)
            ) PARTITION BY RANGE (ts);
            """,
            migrations.RunSQL.noop,
        ),
        *walls("readings_reading"),
    ]
