"""What is known of other processes."""

import os
import signal

from ready.local.processes import catches


def test_catches_tells_a_handler_from_none() -> None:
    former = signal.signal(signal.SIGUSR2, lambda number, frame: None)
    try:
        assert catches(os.getpid(), signal.SIGUSR2)
        signal.signal(signal.SIGUSR2, signal.SIG_DFL)
        assert not catches(os.getpid(), signal.SIGUSR2)
    finally:
        signal.signal(signal.SIGUSR2, former)


def test_a_process_that_is_gone_catches_nothing() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    assert not catches(pid, signal.SIGINT)
