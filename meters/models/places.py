"""Who is supplied, and where."""

from django.db import models

from meters.sorting import SearchText, SortKey
from ready.tenancy.models import TenantForeignKey, TenantModel


class Customer(TenantModel):
    """Who is billed. Personal data: the utility's responsibility (seed R78)."""

    number = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    name_key = SortKey.stored("name")
    number_key = SortKey.stored("number")
    search_text = SearchText.stored("name", "number")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="meters_customer_number")
        ]
        indexes = [
            # The meter list reads its first pages straight from these (meters.listing).
            models.Index(fields=["tenant", "name_key"], name="meters_customer_name_key"),
            models.Index(fields=["tenant", "number_key"], name="meters_customer_number_key"),
        ]

    def __str__(self) -> str:
        return self.name


class SupplyPoint(TenantModel):
    """A place that is supplied. Consumption lives here, meters come and go."""

    customer = TenantForeignKey(Customer, models.SET_NULL, null=True, related_name="+")
    street = models.CharField(max_length=120)
    postal_code = models.CharField(max_length=12, blank=True)
    city = models.CharField(max_length=80, blank=True)
    label = models.CharField(max_length=80, blank=True)
    # Millionths of a degree, WGS 84: exact, and about 0.1 m.
    latitude = models.IntegerField(null=True)
    longitude = models.IntegerField(null=True)
    street_key = SortKey.stored("street")
    search_text = SearchText.stored("street", "postal_code", "city", "label")

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "customer"], name="meters_place_customer"),
            models.Index(fields=["tenant", "street"], name="meters_place_street"),
            models.Index(fields=["tenant", "street_key"], name="meters_place_street_key"),
            models.Index(fields=["tenant", "postal_code", "id"], name="meters_place_postal_code"),
            models.Index(fields=["tenant", "label", "id"], name="meters_place_label"),
            models.Index(fields=["tenant", "latitude", "longitude"], name="meters_place_position"),
        ]

    def __str__(self) -> str:
        return self.street
