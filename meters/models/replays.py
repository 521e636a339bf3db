"""Telegrams that are to be worked on once more."""

from django.db import models

from ready.tenancy.models import TenantModel


class ReplayWanted(TenantModel):
    """Kept telegrams that are to be worked on once more, and how far that has come.

    Written in the transaction that brings what they waited for; carried out by an idle worker in
    transactions of its own (`collectors.pipeline.replays`). It lies here, low, because meters and
    keys are made here. Fields left empty select nothing away.
    """

    class Because(models.TextChoices):
        METER = "meter"  # it came, or its key
        FORMAT = "format"  # one was learned
        ASKED = "asked"  # by somebody

    because = models.CharField(max_length=8, choices=Because)
    manufacturer = models.CharField(max_length=3, blank=True)
    number = models.CharField(max_length=8, blank=True)
    signature = models.IntegerField(null=True)
    outcome = models.SmallIntegerField(null=True)
    collector_id = models.IntegerField(null=True)
    # UTC days of arrival, both included; a single telegram is its day, batch and item.
    received_from = models.DateField(null=True)
    received_to = models.DateField(null=True)
    batch_id = models.BigIntegerField(null=True)
    item = models.IntegerField(null=True)
    wanted_at = models.DateTimeField(auto_now_add=True)
    # The first transaction that surely sees what came: until all before it have ended, one of
    # them may yet set aside a telegram for want of it.
    not_before = models.BigIntegerField(null=True)
    # The last telegram that is done with.
    done_on = models.DateField(null=True)
    done_batch_id = models.BigIntegerField(null=True)
    done_item = models.IntegerField(null=True)
    attempts = models.SmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"replay because {self.because}"
