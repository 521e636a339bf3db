"""What a member limited to groups of meters reaches of each table (`ready.tenancy.operations`).

It stands in the uppermost app because it names the tables of all. Policies build on each other:
a place is in reach when an installation at it is, an installation when its meter is.
"""

from django.db import migrations

from ready.tenancy.operations import GROUPS, TENANT, limited, of_meters

OF_METERS = (
    "collectors_telegram",
    "meters_installation",
    "meters_meteraddress",
    "meters_meterkey",
    "meters_meterstate",
    "notifications_infocodeperiod",
    "readings_billedvalue",
    "readings_dailyreading",
    "readings_dirtyday",
    "readings_estimation",
    "readings_finding",
    "readings_greatestday",
    "readings_heardday",
    "readings_keptreading",
    "readings_performanceday",
    "readings_reading",
    "readings_readingplan",
    "readings_version",
)
_PLACES = f"SELECT i.supply_point_id FROM meters_installation i WHERE i.tenant_id = {TENANT}"  # noqa: S608
CONDITIONS = {
    "meters_meter": of_meters("id"),
    "meters_metergroup": f"id = ANY ({GROUPS})",
    "meters_groupmember": f"group_id = ANY ({GROUPS})",
    "meters_supplypoint": f"id IN ({_PLACES})",
    "meters_occupancy": f"supply_point_id IN ({_PLACES})",
    "meters_customer": f"""
        id IN (SELECT s.customer_id FROM meters_supplypoint s WHERE s.tenant_id = {TENANT})
        OR id IN (SELECT o.customer_id FROM meters_occupancy o WHERE o.tenant_id = {TENANT})
    """,  # noqa: S608
    # What was pushed together with a telegram of theirs: its body has their frame, too.
    "collectors_inboundbatch": (
        "EXISTS (SELECT 1 FROM collectors_telegram t"
        " WHERE t.tenant_id = collectors_inboundbatch.tenant_id"
        " AND t.received_on = collectors_inboundbatch.received_on"
        " AND t.batch_id = collectors_inboundbatch.id)"
    ),
}
# There, but empty: a page that also counts these shows none.
NOTHING = (
    "accounts_apitoken",
    "accounts_externalidentity",
    "accounts_identityprovider",
    "accounts_invitation",
    "accounts_membershipgroup",
    "audit_auditseal",
    "collectors_collectortoken",
    "collectors_outcomehour",
    "collectors_pendingwork",
    "meters_keyimport",
    "meters_keyimportrow",
    "meters_meterimport",
    "meters_replaywanted",
    "notifications_outboxentry",
    "readings_erasurecertificate",
)
# Nothing of a meter in them: names, settings, the person's own; the trail takes their entries.
EVERYTHING = (
    "accounts_membership",
    "accounts_platformoperator",
    "accounts_rolepermission",
    "accounts_user",
    "accounts_visit",
    "audit_auditentry",
    "collectors_collector",
    "collectors_frameformat",
    "django_content_type",
    "django_session",
    "mfa_authenticator",
    "meters_listlayout",
    "meters_savedfilter",
    "readings_upkeep",
    "ready_cache",
    "reports_letterhead",
    "tenancy_tenant",
    "usersessions_usersession",
)


class Migration(migrations.Migration):
    dependencies = (
        ("accounts", "0006_people_walls"),
        ("audit", "0003_sealed"),
        ("collectors", "0008_origin_estimate"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("meters", "0011_counters"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("notifications", "0003_outbox"),
        ("readings", "0008_origin_estimate"),
        ("reports", "0001_letterhead"),
        ("sessions", "0001_initial"),
        ("tenancy", "0004_registry_version"),
        ("usersessions", "0001_initial"),
    )
    operations = (
        *(limited(table, of_meters()) for table in OF_METERS),
        *(limited(table, condition) for table, condition in CONDITIONS.items()),
        *(limited(table, "false") for table in NOTHING),
        *(limited(table, None) for table in EVERYTHING),
    )
