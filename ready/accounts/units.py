"""The units in which a page shows values: the person's own choice, else the utility's."""

from django.http import HttpRequest

from ready.accounts.models import User
from ready.tenancy.requests import tenant_of
from ready.web.units import UnitChoice


def units_of(request: HttpRequest) -> UnitChoice:
    """For pages. Reports and files follow the utility (`Tenant.units`): everybody who reads one
    sees the same numbers."""
    units = tenant_of(request).units
    person = request.user
    return units.changed_by(person.own_units) if isinstance(person, User) else units
