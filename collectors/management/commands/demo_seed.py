"""`manage.py demo_seed`: the demo's utilities, people, tokens, and the newest 7 days."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from collectors.management.demo.history import Past, newest_days
from collectors.management.demo.setup import set_up
from collectors.management.demo.utilities import UTILITIES
from collectors.management.demo.weather import tell_weather
from ready.policy import SYSTEM, access


@access(SYSTEM)
class Command(BaseCommand):
    help = (
        "Set up the demo: two utilities that do not exist, with customers, meters, keys, "
        "collectors and seven days of readings. Safe to repeat. The log-in goes to "
        "demo-login.json and the collectors' tokens to demo-feed.json in READY_DATA_DIR."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        set_up(settings.DATA_DIR)
        pasts = [Past.of(utility) for utility in UTILITIES]
        stored = sum(newest_days(past, timezone.now()) for past in pasts)
        for past in pasts:
            tell_weather(past, timezone.now())
        self.stdout.write(f"demo in place, {stored} readings stored")
