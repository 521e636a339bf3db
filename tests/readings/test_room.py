"""Rows that every batch of a day changes have room on their pages."""

import pytest
from django.db import connection

from ready.tenancy import partitions


@pytest.mark.django_db
def test_every_partition_of_receptions_has_room() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT relname FROM pg_class
               WHERE relispartition AND reloptions @> ARRAY['fillfactor=50']"""
        )
        roomy = {name for (name,) in cursor.fetchall()}
    there = partitions.existing("readings_heardday")
    assert there
    assert there <= roomy
