"""`manage.py demo_history`: thirteen months of the demo's past, newest month first."""

import time
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from collectors.management.demo.history import Past, catch_up, months
from collectors.management.demo.office import office_work
from collectors.management.demo.utilities import UTILITIES
from ready.policy import SYSTEM, access


@access(SYSTEM)
class Command(BaseCommand):
    help = (
        "Fill the demo's past: what was missed since the newest reading, then the thirteen months "
        "before, newest first. Goes on where an earlier run was stopped; safe to repeat."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        began, now, stored = time.monotonic(), timezone.now(), 0
        for utility in UTILITIES:
            past = Past.of(utility)
            stored += catch_up(past, now)
            stored += sum(months(past, now))
            office_work(past, now)
        self.stdout.write(f"{stored} readings stored in {time.monotonic() - began:.1f} s")
