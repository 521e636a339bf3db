"""`python -m ready.local run | test | servers -- COMMAND`; the Makefile's targets call it."""

import argparse
import io
import sys

from ready.local.checks import STEPS, check
from ready.local.errors import LocalError, StopRequested
from ready.local.run import run
from ready.local.sandbox import with_servers
from ready.local.supervisor import say


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m ready.local", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    start = commands.add_parser("run", help="start READY with its demo, until Ctrl-C")
    start.add_argument("--stop-with-parent", action="store_true", help="stop when make ends")
    test = commands.add_parser("test", help="the checks of `make test`, with throw-away servers")
    test.add_argument("--only", nargs="+", choices=list(STEPS), help="these steps alone")
    test.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    servers = commands.add_parser("servers", help="run a command beside throw-away servers")
    servers.add_argument("--measured", action="store_true", help="as safe as lasting servers")
    servers.add_argument("argv", nargs="+", metavar="COMMAND", help="the command, after --")
    return top


def main(arguments: list[str]) -> int:
    """Run one command; the process's exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show æøå
    options = parser().parse_args(arguments)
    try:
        if options.command == "run":
            run(options.stop_with_parent)
            return 0
        if options.command == "test":
            return check(options.only or list(STEPS), options.pytest)
        return with_servers(options.argv, measured=options.measured)
    except LocalError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    except StopRequested:
        say("Stopped.")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
