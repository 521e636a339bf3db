"""What views of several apps need of a meter's page."""

from django.http import Http404, HttpRequest
from django.utils import timezone

from meters.models import Meter
from meters.queries import MeterPage, meter_page
from ready.accounts.rights import rights_for
from ready.policy import can


def meter_page_of(pk: int) -> MeterPage:
    """The head of a meter's page. Raises Http404 for a meter that is not this utility's."""
    try:
        return meter_page(pk, timezone.now())
    except Meter.DoesNotExist:
        raise Http404 from None


def sees_customers(request: HttpRequest) -> bool:
    """Whether who asks may know who lives where; a visiting operator, for one, may not."""
    return bool(can(rights_for(request), "customers.view"))
