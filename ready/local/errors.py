"""What goes wrong on the way to a running READY, in words for the person who typed the command."""


class LocalError(Exception):
    """The start cannot go on. The text is shown as it is, without a traceback."""


class StopRequested(Exception):
    """Ctrl-C, SIGTERM or a closed terminal: unwind and stop everything."""
