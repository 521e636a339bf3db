from django.apps import AppConfig

from ready.tenancy.partitions import PartitionedTable


class ReadingsConfig(AppConfig):
    name = "readings"
    # 61 months back, so that history can be imported at any time; three ahead.
    partitioned_tables = (PartitionedTable("readings_reading", "month", back=61, ahead=3),)
