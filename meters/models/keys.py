"""Decryption keys, and the files they came in."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from meters.models.meter import Meter
from ready.tenancy.models import TenantForeignKey, TenantModel


class MeterKey(TenantModel):
    """A meter's decryption key, sealed (`meters.keys`). The highest version is in force."""

    meter = TenantForeignKey(Meter, models.CASCADE, related_name="keys")
    version = models.IntegerField(default=1)
    sealed = models.BinaryField()
    # Equal keys of a utility have equal ones (`meters.keys.fingerprint`): no key is for two.
    fingerprint = models.BinaryField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "meter", "version"], name="meters_meterkey_version"
            )
        ]
        indexes = [models.Index(fields=["tenant", "fingerprint"], name="meters_meterkey_equal")]

    def __str__(self) -> str:
        return f"key {self.version} of meter {self.meter_id}"


class KeyImport(TenantModel):
    """A file of keys: first a preview, then imported whole, and perhaps taken back."""

    class Status(models.TextChoices):
        PREVIEW = "preview", _("Preview")
        IMPORTED = "imported", _("Imported")
        TAKEN_BACK = "taken_back", _("Taken back")

    file_name = models.CharField(max_length=120)
    kind = models.CharField(max_length=8)
    status = models.CharField(max_length=12, choices=Status, default=Status.PREVIEW)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=254)
    imported_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "-created_at"], name="meters_keyimport_time")]

    def __str__(self) -> str:
        return self.file_name


class KeyImportRow(TenantModel):
    """A line of a file of keys. `sealed` is gone as soon as it is imported or given up.

    finding: what was found of it at the preview, see `meters.keyimports.Finding`; version: of the
    key that it became.
    """

    of_import = TenantForeignKey(KeyImport, models.CASCADE, related_name="rows")
    line = models.IntegerField()
    manufacturer = models.CharField(max_length=3)
    number = models.CharField(max_length=40)
    meter = TenantForeignKey(Meter, models.CASCADE, null=True, related_name="+")
    medium = models.CharField(max_length=16, blank=True)
    meter_type = models.CharField(max_length=60, blank=True)
    finding = models.CharField(max_length=12)
    sealed = models.BinaryField(null=True)
    fingerprint = models.BinaryField(null=True)
    # The meter's last telegrams that the key was tried on, and how many of them it opened.
    tried = models.SmallIntegerField(default=0)
    opened = models.SmallIntegerField(default=0)
    version = models.IntegerField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "of_import", "line"], name="meters_keyimportrow_line"
            )
        ]
        indexes = [models.Index(fields=["tenant", "meter"], name="meters_keyimportrow_meter")]

    def __str__(self) -> str:
        return f"line {self.line} of import {self.of_import_id}"
