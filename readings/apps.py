from django.apps import AppConfig

from ready.tenancy.partitions import PartitionedTable


class ReadingsConfig(AppConfig):
    name = "readings"
    # 61 months back, so that history can be imported at any time; three ahead. When readings
    # end is each utility's own decision: `readings.maintenance` drops their partitions.
    partitioned_tables = (
        PartitionedTable("readings_reading", "month", back=61, ahead=3),
        PartitionedTable("readings_dailyreading", "month", back=61, ahead=3),
        PartitionedTable("readings_performanceday", "year", back=5, ahead=1, keep=6),
        # A day's row is changed by every batch of the day: with room on its page, not in the index.
        PartitionedTable("readings_heardday", "year", back=5, ahead=1, keep=6, fillfactor=50),
        PartitionedTable("readings_finding", "year", back=5, ahead=1, keep=6),
    )
    upkeep = "readings.maintenance"
    trail_words = "readings.trail_words"
