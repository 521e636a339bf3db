"""gunicorn's configuration, for `make run`, for production and for measurements alike:
`gunicorn ready.wsgi --config python:ready.serving --bind …`."""

import ctypes
import gc
import os
import shutil
import sys
import tempfile
from typing import Any

from ready.settings import env_int

# Web processes count into files here; made anew at each start, so that counters begin at nothing.
_counts = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="ready-metrics-")

worker_class = "ready.web.patience.PatientWorker"
workers = env_int("READY_WEB_WORKERS", 2)
threads = env_int("READY_WEB_THREADS", 8)
# A connection that sends nothing costs a few kilobytes here, so there may be many.
worker_connections = 4096
keepalive = 30
preload_app = True  # Django is loaded once, not once a worker
timeout = 60
graceful_timeout = env_int("READY_WEB_STOP_SECONDS", 20)
# Against slow leaks of libraries.
max_requests = 100_000
max_requests_jitter = 20_000
control_socket_disable = True  # it would be made in the user's home


def post_fork(server: Any, worker: Any) -> None:
    """Let threads take turns ten times as often as Python does by itself.

    A thread whose database has answered waits for its turn behind whichever is busy, up to the
    whole interval, and a request asks the database several times.
    """
    sys.setswitchinterval(0.0005)


def on_exit(server: Any) -> None:
    """Leave nothing behind."""
    shutil.rmtree(_counts, ignore_errors=True)


# <malloc.h>: from what size on a block is a mapping of its own, and how many arenas there are.
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8


def when_ready(server: Any) -> None:
    """Leave what is loaded out of garbage collection; have memory that a large body took go back
    when it is freed.

    By itself glibc raises the size from which it does so with every large block, up to 32 MiB, and
    keeps the rest in an arena a thread. Web processes inherit this.
    """
    # What all processes share is there for good: it need not be looked through for garbage again
    # and again while a request waits.
    gc.collect()
    gc.freeze()
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 256 * 1024)
        mallopt(_M_ARENA_MAX, 2)
