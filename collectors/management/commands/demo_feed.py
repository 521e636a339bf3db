"""`manage.py demo_feed`: live telegrams for the demo, and its past behind them."""

import os
import time
from argparse import ArgumentParser
from threading import Thread
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils import timezone

from collectors.management.demo import feed, files
from collectors.management.demo.history import Past, catch_up, months
from collectors.management.demo.office import office_work
from collectors.management.demo.utilities import UTILITIES
from collectors.management.demo.weather import tell_weather
from collectors.simulator import PushClient
from ready.policy import SYSTEM, access

_NICENESS = 10
_WEATHER_S = 900


@access(SYSTEM)
class Command(BaseCommand):
    help = (
        "Push the demo's telegrams to READY as collectors do, every few seconds, until stopped. "
        "First fills what was missed since the last run, then the months before, behind the "
        "live telegrams."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", help="the push endpoint; default: under READY_BASE_URL")
        parser.add_argument("--no-history", action="store_true", help="live telegrams only")

    def handle(self, *args: Any, **options: Any) -> None:
        # Whoever looks at pages on a small machine comes first.
        os.nice(_NICENESS)
        tokens = files.read(settings.DATA_DIR, files.FEED).get("tokens", {})
        url = options["url"] or f"{settings.BASE_URL.rstrip('/')}/api/v1/collect/telegrams"
        try:
            pasts = [Past.of(utility) for utility in UTILITIES]
            feeds = [self._feed(past, url, tokens) for past in pasts]
        except LookupError as error:
            raise CommandError(str(error)) from None
        if not options["no_history"]:
            Thread(target=self._fill, args=(pasts,), name="history", daemon=True).start()
        Thread(target=self._weather, args=(pasts,), name="weather", daemon=True).start()
        self.stdout.write(f"feeding {url}")
        feed.run(feeds, lambda: self._catch_up(pasts), self.stderr.write)

    def _feed(self, past: Past, url: str, tokens: dict[str, str]) -> feed.Feed:
        sites = [site.name for site in past.radio.town.sites]
        missing = [site for site in sites if site not in tokens]
        if missing:
            raise LookupError(f"no token for {', '.join(missing)} on file: run demo_seed")
        clients = {site: PushClient(url, tokens[site]) for site in sites}
        return feed.Feed(past.radio, clients, int(time.time() * 1000))

    def _weather(self, pasts: list[Past]) -> None:
        while True:
            for past in pasts:
                tell_weather(past, timezone.now())
            connections.close_all()
            time.sleep(_WEATHER_S)

    def _catch_up(self, pasts: list[Past]) -> None:
        for past in pasts:
            catch_up(past, timezone.now())

    def _fill(self, pasts: list[Past]) -> None:
        began = time.monotonic()
        try:
            self._catch_up(pasts)
            stored = sum(sum(months(past, timezone.now())) for past in pasts)
            for past in pasts:
                office_work(past, timezone.now())
            took = time.monotonic() - began
            self.stdout.write(f"history: {stored} readings stored in {took:.1f} s")
        finally:
            connections.close_all()
