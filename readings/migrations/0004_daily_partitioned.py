from django.db import migrations

from ready.tenancy.operations import walls


class Migration(migrations.Migration):
    """The tables of 0003 as they really are, and the triggers that mark changed days."""

    dependencies = [("readings", "0003_daily")]
    operations = [
        migrations.RunSQL(
            """
            DROP TABLE readings_dailyreading;
            CREATE TABLE readings_dailyreading (
                meter_id  integer NOT NULL,
                tenant_id integer NOT NULL,
                first_at  timestamptz NOT NULL,
                last_at   timestamptz NOT NULL,
                first_e1 bigint, first_e2 bigint, first_e3 bigint, first_v1 bigint, first_v2
                bigint, first_a_pos bigint, first_a_neg bigint, first_r_pos bigint,
                first_r_neg bigint, first_in_a bigint, first_in_b bigint,
                last_e1 bigint, last_e2 bigint, last_e3 bigint, last_v1 bigint, last_v2
                bigint, last_a_pos bigint, last_a_neg bigint, last_r_pos bigint, last_r_neg
                bigint, last_in_a bigint, last_in_b bigint,
                flow1_sum bigint, power1_sum bigint, t1_sum bigint, t2_sum bigint,
                t_water_sum bigint, t_ambient_sum bigint, p1_sum bigint, p_pos_sum bigint,
                first_e8 integer, first_e9 integer, last_e8 integer, last_e9 integer,
                flow1_min integer, flow1_max integer, power1_min integer, power1_max
                integer, t1_min integer, t1_max integer, t2_min integer, t2_max integer,
                t_water_min integer, t_water_max integer, t_ambient_min integer,
                t_ambient_max integer, p1_min integer, p1_max integer, p_pos_min integer,
                p_pos_max integer,
                flow1_count smallint, power1_count smallint, t1_count smallint, t2_count
                smallint, t_water_count smallint, t_ambient_count smallint, p1_count
                smallint, p_pos_count smallint,
                day       date NOT NULL,
                readings  integer NOT NULL,
                plain     boolean NOT NULL,
                follows   boolean NOT NULL,
                PRIMARY KEY (tenant_id, meter_id, day)
            ) PARTITION BY RANGE (day);
            CREATE INDEX readings_daily_odd ON readings_dailyreading (tenant_id, day, meter_id)
                WHERE NOT (plain AND follows);

            DROP TABLE readings_dirtyday;
            CREATE TABLE readings_dirtyday (
                tenant_id integer NOT NULL,
                meter_id  integer NOT NULL,
                day       date NOT NULL,
                PRIMARY KEY (tenant_id, meter_id, day)
            ) WITH (autovacuum_vacuum_scale_factor = 0.05);

            DROP TABLE readings_performanceday;
            CREATE TABLE readings_performanceday (
                meter_id         integer NOT NULL,
                tenant_id        integer NOT NULL,
                day              date NOT NULL,
                interval_s       integer NOT NULL,
                expected         smallint,
                received         smallint NOT NULL DEFAULT 0,
                received_network smallint NOT NULL DEFAULT 0,
                timely           smallint NOT NULL DEFAULT 0,
                method           smallint,
                PRIMARY KEY (tenant_id, meter_id, day)
            ) PARTITION BY RANGE (day);

            DROP TABLE readings_heardday;
            CREATE TABLE readings_heardday (
                meter_id      integer NOT NULL,
                tenant_id     integer NOT NULL,
                day           date NOT NULL,
                collector_id  integer NOT NULL,
                telegrams     integer NOT NULL,
                best_rssi_dbm smallint,
                PRIMARY KEY (tenant_id, meter_id, day, collector_id)
            ) PARTITION BY RANGE (day);

            DROP TABLE readings_keptreading;
            CREATE TABLE readings_keptreading (
                ts        timestamptz NOT NULL,
                meter_id  integer NOT NULL,
                tenant_id integer NOT NULL,
                PRIMARY KEY (tenant_id, meter_id, ts)
            );
            ALTER TABLE readings_upkeep ADD CONSTRAINT readings_upkeep_tenant_fk
                FOREIGN KEY (tenant_id) REFERENCES tenancy_tenant (id);

            -- Whoever changes readings, by whatever way: their days are marked in the same
            -- transaction. A mark that is there already stays; what keeps it from being cleared
            -- meanwhile is the lock on the meter's state row, which every writer holds.
            CREATE FUNCTION readings_mark_days() RETURNS trigger LANGUAGE plpgsql AS $body$
            BEGIN
                INSERT INTO readings_dirtyday (tenant_id, meter_id, day)
                SELECT DISTINCT c.tenant_id, c.meter_id, (c.ts AT TIME ZONE t.zone)::date
                FROM changed c JOIN tenancy_tenant t ON t.id = c.tenant_id
                ORDER BY 1, 2, 3
                ON CONFLICT DO NOTHING;
                RETURN NULL;
            END
            $body$;
            CREATE TRIGGER readings_added AFTER INSERT ON readings_reading
                REFERENCING NEW TABLE AS changed
                FOR EACH STATEMENT EXECUTE FUNCTION readings_mark_days();
            CREATE TRIGGER readings_changed AFTER UPDATE ON readings_reading
                REFERENCING NEW TABLE AS changed
                FOR EACH STATEMENT EXECUTE FUNCTION readings_mark_days();
            CREATE TRIGGER readings_removed AFTER DELETE ON readings_reading
                REFERENCING OLD TABLE AS changed
                FOR EACH STATEMENT EXECUTE FUNCTION readings_mark_days();
            """,
            migrations.RunSQL.noop,
        ),
        *walls("readings_dailyreading"),
        *walls("readings_dirtyday"),
        *walls("readings_performanceday"),
        *walls("readings_heardday"),
        *walls("readings_keptreading"),
        *walls("readings_upkeep"),
    ]
