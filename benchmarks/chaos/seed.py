"""Two utilities with their meters and collectors, made by READY's own services."""

import argparse
import json
from pathlib import Path

import django


def main() -> None:
    """Make them; the tokens go into a file."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, required=True)
    options.add_argument("--out", type=Path, required=True)
    chosen = options.parse_args()
    django.setup()
    _fill(chosen.seed, chosen.out)


def _fill(seed: int, out: Path) -> None:
    from benchmarks.chaos import town  # noqa: PLC0415 - after django.setup()
    from collectors import tokens  # noqa: PLC0415
    from collectors.models import Collector  # noqa: PLC0415
    from collectors.services import register_collector  # noqa: PLC0415
    from meters.services import register_meter, set_key  # noqa: PLC0415
    from ready.audit.services import Actor  # noqa: PLC0415
    from ready.tenancy.context import tenant_context  # noqa: PLC0415
    from ready.tenancy.models import Tenant  # noqa: PLC0415

    actor = Actor(None, "chaos")
    made = {}
    for slug in town.TENANTS:
        tenant = Tenant.objects.create(slug=slug, name=slug)
        with tenant_context(tenant.pk):
            boxes = []
            for place in range(town.COLLECTORS):
                collector = register_collector(
                    name=f"{slug} {place}", type=Collector.Type.CONCENTRATOR, actor=actor
                )
                token = tokens.issue(collector=collector, actor=actor)
                boxes.append({"id": collector.pk, "token": token})
            meters = {}
            for number in town.numbers_of(slug):
                meter = register_meter(
                    manufacturer="KAM", number=number, actor=actor, interval_s=60
                )
                set_key(meter=meter, key=town.key_of(seed, number), actor=actor)
                meters[number] = meter.pk
        made[slug] = {"id": tenant.pk, "collectors": boxes, "meters": meters}
    out.write_text(json.dumps(made))


if __name__ == "__main__":
    main()
