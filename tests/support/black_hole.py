"""A way to a server through which nothing comes once it is closed: packets are dropped, and nobody refuses."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

from tests.support.processes import Closing

_CHUNK = 64 * 1024


class BlackHole(Closing):
    """A TCP proxy. While `swallows` is true it accepts connections, keeps those that it has, and passes nothing on."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.swallows = False
        self.swallowed = 0
        """Connections opened, and pieces sent, while nothing passed."""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.1))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            if self.swallows:
                self.swallowed += 1
                await self._passing()
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
            await asyncio.wait(
                {asyncio.create_task(self._pass_on(reader, back)), asyncio.create_task(self._pass_on(there, writer))},
                return_when=asyncio.FIRST_COMPLETED,
            )
            back.close()
        writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(_CHUNK):
                if self.swallows:
                    self.swallowed += 1
                    await self._passing()
                writer.write(piece)
                await writer.drain()

    async def _passing(self) -> None:
        while self.swallows:  # noqa: ASYNC110 -- another thread sets it
            await asyncio.sleep(0.05)
