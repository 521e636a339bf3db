from django.apps import AppConfig

from ready.tenancy.partitions import PartitionedTable

# Days that a settled batch's raw body, and a stored or quarantined telegram, are kept.
BODY_DAYS = 7
TELEGRAM_DAYS = 60


class CollectorsConfig(AppConfig):
    name = "collectors"
    partitioned_tables = (
        PartitionedTable("collectors_inboundbatch", "day", back=1, ahead=14, keep=TELEGRAM_DAYS),
        PartitionedTable("collectors_telegram", "day", back=1, ahead=14, keep=TELEGRAM_DAYS),
    )
