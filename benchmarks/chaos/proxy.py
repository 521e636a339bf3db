"""A TCP proxy before PostgreSQL that breaks connections when told to.

Told by lines on its standard input's file: cut (all connections, at once), commit (the next
connection that sends COMMIT is cut once the server has it, before its answer passes), stall SECONDS
(nothing passes either way).
"""

import argparse
import asyncio
import contextlib
from pathlib import Path

_COMMIT = b"COMMIT"


class Proxy:
    """Connections from a port to a socket."""

    def __init__(self, upstream: Path, words: Path) -> None:
        self._upstream = upstream
        self._words = words
        self._writers: set[asyncio.StreamWriter] = set()
        self._cut_after_commit = 0
        self._stalled_until = 0.0

    async def serve(self, port: int) -> None:
        """Until the process ends."""
        server = await asyncio.start_server(self._connect, "127.0.0.1", port)
        async with server:
            await asyncio.gather(server.serve_forever(), self._listen())

    async def _listen(self) -> None:
        """Obey the words in the file, each once."""
        done = 0
        while True:
            await asyncio.sleep(0.05)
            lines = self._words.read_text().splitlines() if self._words.exists() else []
            for line in lines[done:]:
                word, _, rest = line.partition(" ")
                if word == "cut":
                    for writer in list(self._writers):
                        writer.transport.abort()
                elif word == "commit":
                    self._cut_after_commit += 1
                elif word == "stall":
                    self._stalled_until = asyncio.get_running_loop().time() + float(rest)
            done = len(lines)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_unix_connection(str(self._upstream))
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, up_writer}
        self._writers |= ends
        doomed = asyncio.Event()
        try:
            await asyncio.gather(
                self._pass_on(reader, up_writer, writer, doomed, from_client=True),
                self._pass_on(up_reader, writer, up_writer, doomed, from_client=False),
            )
        finally:
            self._writers -= ends
            for end in ends:
                end.transport.abort()

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
        doomed: asyncio.Event,
        *,
        from_client: bool,
    ) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                while loop.time() < self._stalled_until:
                    await asyncio.sleep(0.05)
                if from_client and self._cut_after_commit and _COMMIT in data:
                    self._cut_after_commit -= 1
                    doomed.set()
                elif not from_client and doomed.is_set():
                    break  # the server has answered: it is done, and the client will not know
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
        back.transport.abort()


def main() -> None:
    """Serve."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--upstream", type=Path, required=True)
    options.add_argument("--words", type=Path, required=True)
    chosen = options.parse_args()
    asyncio.run(Proxy(chosen.upstream, chosen.words).serve(chosen.port))


if __name__ == "__main__":
    main()
