"""READYs broken on purpose, from outside: each must be caught, or the checker is blind.

A mutant is applied in the process that becomes web, worker or beat, before the program starts.
The product knows nothing of them.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

# How wide a mutant's gap is, so that a kill falls into it soon; a real one might be narrower.
_GAP_S = 0.3


@dataclass(frozen=True)
class Mutant:
    """A way to be wrong. faults: what brings it to light; settings: of PostgreSQL; sql: run before
    the first push."""

    about: str
    break_it: Callable[[], None]
    faults: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    sql: str = ""
    beat: bool = True


def _nothing() -> None:
    """The program itself is left as it is."""


def _replace(name: str, new: Any, *modules: Any) -> None:
    """Raises AttributeError where there is no such name: the mutant would be the product itself."""
    for module in modules:
        getattr(module, name)
        setattr(module, name, new)


def _acknowledge_first() -> None:
    api: Any = import_module("collectors.api")
    services: Any = import_module("collectors.services")

    real = services.accept

    def accept(**given: Any) -> Any:
        def later() -> None:
            time.sleep(1.0)
            real(**given)

        threading.Thread(target=later, daemon=True).start()
        return services.Receipt({"accepted": 0, "rejected": []}, repeated=False)

    _replace("accept", accept, api)


def _no_dedupe() -> None:
    services: Any = import_module("collectors.services")

    real = services._sender
    _replace("_sender", lambda *given: replace(real(*given), before=None), services)


def _no_poll() -> None:
    worker: Any = import_module("collectors.worker")

    _replace("LOOK_SECONDS", 3600.0, worker)


def _tenant_forgotten() -> None:
    known: Any = import_module("collectors.pipeline.known")

    real = known.meters_of
    kept: dict[Any, Any] = {}

    def meters_of(identities: Any) -> Any:
        wanted = list(identities)
        kept.update(real([one for one in wanted if one not in kept]))
        return {one: kept[one] for one in wanted if one in kept}

    _replace("meters_of", meters_of, known)


def _no_fence() -> None:
    pipeline: Any = import_module("collectors.pipeline")
    apart: Any = import_module("collectors.pipeline.apart")
    batches: Any = import_module("collectors.pipeline.batches")
    claims: Any = import_module("collectors.pipeline.claims")

    _replace("LEASE_S", 0, claims)
    _replace("DELAY_S", 0, claims)
    real = claims._oldest_of

    def oldest_of(queue: Any) -> Any:
        claimed = real(queue)
        time.sleep(0.05)  # the lease is over before the work begins
        return claimed

    _replace("_oldest_of", oldest_of, claims)
    _replace("begin", lambda claimed: None, pipeline, apart, batches, claims)

    def settle(claimed: Any) -> None:
        try:
            claims_settle(claimed)
        except claims.Lost:
            return

    claims_settle = claims.settle
    _replace("settle", settle, pipeline, apart, batches)


def _outcomes_unwritten() -> None:
    pipeline: Any = import_module("collectors.pipeline")

    _replace("settle_whole", lambda batch, items: None, pipeline)


def _settled_first() -> None:
    pipeline: Any = import_module("collectors.pipeline")
    from ready.tenancy.context import tenant_context  # noqa: PLC0415

    real_settle, real_unpack = pipeline.settle, pipeline.unpack

    def whole(claimed: Any) -> None:
        with tenant_context(claimed.tenant_id):
            real_settle(claimed)
        with tenant_context(claimed.tenant_id):
            batch, items = real_unpack(claimed)
            time.sleep(_GAP_S)
            pipeline.process(items)
            pipeline.settle_whole(batch, items)

    _replace("_whole", whole, pipeline)


def _anyones_fault() -> None:
    pipeline: Any = import_module("collectors.pipeline")
    apart: Any = import_module("collectors.pipeline.apart")

    _replace("WHOLE_ATTEMPTS", 0, pipeline)
    _replace("_SLICE", 1, apart)
    _replace("NOBODYS_FAULT", (), apart)


def _two_transactions() -> None:
    from django.db import connection  # noqa: PLC0415

    pipeline: Any = import_module("collectors.pipeline")
    context: Any = import_module("ready.tenancy.context")

    real = pipeline.process

    def process(items: Any, **given: Any) -> None:
        real(items, **given)
        # What was done is committed apart from the batch's own settling.
        tenant_id = context.current_tenant_id()
        with connection.cursor() as cursor:
            cursor.execute("COMMIT")
            time.sleep(_GAP_S)
            cursor.execute("BEGIN")
        context._set_local("app.tenant", tenant_id)

    _replace("process", process, pipeline)


MUTANTS = {
    "ack-first": Mutant(
        "answers before the batch is committed", _acknowledge_first, ("web_kill", "web_child_kill")
    ),
    "async-commit": Mutant(
        "synchronous_commit is off",
        _nothing,
        ("pg_kill",),
        ("synchronous_commit=off", "wal_writer_delay=10s", "wal_writer_flush_after=1GB"),
    ),
    "no-dedupe": Mutant(
        "a push that is sent again is another batch", _no_dedupe, ("commit_cut", "web_kill")
    ),
    "no-unique-key": Mutant(
        "two readings of one instant may stand beside each other",
        _nothing,
        ("worker_child_kill",),
        sql="ALTER TABLE readings_reading DROP CONSTRAINT readings_reading_pkey",
    ),
    "no-poll": Mutant(
        "workers look only when rung, and no timetable rings",
        _no_poll,
        ("redis_flush", "redis_kill"),
        beat=False,
    ),
    "tenant-forgotten": Mutant(
        "a meter is looked up by its address alone", _tenant_forgotten, ("web_kill",)
    ),
    "no-fence": Mutant("two may work on one batch", _no_fence, ("worker_stop",)),
    "outcomes-unwritten": Mutant(
        "what became of an item is not written down", _outcomes_unwritten, ("redis_flush",)
    ),
    "settled-first": Mutant(
        "a batch is taken off the list before it is worked on",
        _settled_first,
        ("worker_child_kill", "worker_kill"),
    ),
    "anyones-fault": Mutant(
        "trouble of the database is held against the telegram",
        _anyones_fault,
        ("queries_cancelled",),
    ),
    "two-transactions": Mutant(
        "readings are committed apart from the batch",
        _two_transactions,
        ("worker_child_kill", "worker_kill"),
    ),
}
