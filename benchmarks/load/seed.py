"""Utilities, meters with keys, and collectors of the load, straight into a fresh database:
`python -m benchmarks.load.seed FILE METERS TENANTS COLLECTORS`; FILE gets the tokens, in order."""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ready.settings")

import django

django.setup()

# ruff: noqa: E402  READY's modules can only be imported once Django is set up.
from benchmarks.load.telegrams import LEAKING, Size, key_of
from collectors import tokens
from collectors.models import Collector
from collectors.services import register_collector
from meters import keys
from meters.models import Medium, Meter, MeterAddress, MeterKey, MeterState
from ready.audit.services import Actor
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant

ACTOR = Actor(None, "load")
_STEP = 5000


def make_meters(tenant: Tenant, numbers: range) -> None:
    """In steps, each a transaction."""
    for start in range(0, len(numbers), _STEP):
        with tenant_context(tenant.pk):
            made = Meter.objects.bulk_create(
                Meter(
                    manufacturer="KAM",
                    number=str(number),
                    meter_type="MULTICAL 603",
                    medium=Medium.HEAT,
                )
                for number in numbers[start : start + _STEP]
            )
            MeterState.objects.bulk_create(MeterState(meter=meter) for meter in made)
            MeterAddress.objects.bulk_create(
                MeterAddress(tenant=tenant, meter=meter, manufacturer="KAM", number=meter.number)
                for meter in made
            )
            MeterKey.objects.bulk_create(
                MeterKey(
                    meter=meter,
                    sealed=keys.seal(
                        key_of(int(meter.number)),
                        tenant_id=tenant.pk,
                        meter_id=meter.pk,
                        version=1,
                    ),
                )
                for meter in made
            )


def main() -> None:
    """Seed, and write the tokens."""
    path, *numbers = sys.argv[1:]
    meters, tenants, collectors = map(int, numbers)
    size = Size(meters, tenants, collectors, 0)
    utilities = [
        Tenant.objects.create(slug=f"load{number}", name=f"Load {number}")
        for number in range(tenants)
    ]
    for number, tenant in enumerate(utilities):
        make_meters(tenant, size.numbers(number))
    make_meters(utilities[0], LEAKING)
    told = []
    for number in range(collectors):
        tenant = utilities[number % tenants]
        with tenant_context(tenant.pk):
            box = register_collector(
                name=f"load-{number}", type=Collector.Type.CONCENTRATOR, actor=ACTOR
            )
            told.append(tokens.issue(collector=box, actor=ACTOR))
    Path(path).write_text(json.dumps(told))


if __name__ == "__main__":
    main()
