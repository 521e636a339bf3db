from django.apps import AppConfig

from ready.tenancy.partitions import PartitionedTable

# Days that batches, with their raw bodies, and kept telegrams stay.
TELEGRAM_DAYS = 60
# Months that counts of outcomes stay.
COUNT_MONTHS = 14


class CollectorsConfig(AppConfig):
    name = "collectors"
    partitioned_tables = (
        PartitionedTable("collectors_inboundbatch", "day", back=1, ahead=14, keep=TELEGRAM_DAYS),
        PartitionedTable("collectors_telegram", "day", back=1, ahead=14, keep=TELEGRAM_DAYS),
        PartitionedTable("collectors_outcomehour", "month", back=1, ahead=3, keep=COUNT_MONTHS),
    )
    upkeep = "collectors.maintenance"
