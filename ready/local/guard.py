"""The last one out: ends what a killed supervisor left behind.

A process of its own, told every child's process group over its standard input. The end of that
input means that the supervisor is gone. Children themselves get a signal from the kernel at that
moment (ready.local.processes), but not their children: pool processes and web workers, which
belong to the groups that are ended here. Run by path with `python -I -S`: imports nothing of ours.
"""

import os
import signal
import sys
import time

GRACE_S = 1.0  # PostgreSQL ends its own backends in this time


def follow(stream: int) -> set[int]:
    """Process groups still alive when the input ends; lines are `+GROUP` and `-GROUP`."""
    groups: set[int] = set()
    pending = b""
    while chunk := os.read(stream, 4096):
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            group = int(line[1:])
            if line.startswith(b"+"):
                groups.add(group)
            else:
                groups.discard(group)
    return groups


def main() -> None:
    """Wait for the supervisor's end, then end its children's groups."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups = follow(sys.stdin.fileno())
    if not groups:
        return
    time.sleep(GRACE_S)
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


if __name__ == "__main__":
    main()
