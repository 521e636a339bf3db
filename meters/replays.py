"""Telegrams that waited for a meter or a key: saying that it has come."""

from collections.abc import Iterable

from meters.models import ReplayWanted


def want_replay(addresses: Iterable[tuple[str, str]]) -> None:
    """Have the telegrams set aside for these meters (manufacturer as filed, number) worked on anew.

    To be called in the transaction that makes the meter or sets its key, for many at once where
    many come; a worker does it soon after.
    """
    ReplayWanted.objects.bulk_create(
        [
            ReplayWanted(because=ReplayWanted.Because.METER, manufacturer=maker, number=number)
            for maker, number in addresses
        ],
        batch_size=1000,
    )
