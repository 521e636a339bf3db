"""A collector that hands batches in past the web server."""

import json
from datetime import UTC, datetime, timedelta

from collectors.services import accept
from collectors.tokens import Bearer
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

KEY = bytes(range(16))


class Box:
    """A collector of a utility; `start` is when it heard its first telegram."""

    def __init__(self, tenant: Tenant, *, start: datetime) -> None:
        self.tenant = tenant
        self.start = start
        with tenant_context(tenant.pk):
            self.collector = factories.collector()

    def hand_in(self, *frames: bytes | str, minute: int = 0, apart: int = 60) -> None:
        """One batch, heard from `minute` on, so many minutes apart; a text is no telegram."""
        told = [
            {
                "telegram": frame if isinstance(frame, str) else frame.hex(),
                "timestamp": (self.start + timedelta(minutes=minute + place * apart)).isoformat(),
            }
            for place, frame in enumerate(frames)
        ]
        accept(
            bearer=Bearer(self.tenant.pk, self.collector.pk),
            content_type="application/json",
            body=json.dumps(told).encode(),
            now=datetime.now(UTC),
            request_id="test",
        )
