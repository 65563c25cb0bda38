"""A TCP proxy that cuts, stalls and heals connections: what a network does to a pair, without rights of root."""

import asyncio
import threading
from contextlib import suppress

PIECE_BYTES = 65_536


class FaultProxy:
    """Carries connections from its own port to another one of this machine, until it is told not to."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._flows.set()
        self._flows_back = asyncio.Event()
        """From who was connected to, to who has connected."""
        self._flows_back.set()
        self._is_cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._is_open = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._is_open.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._open())
        self._loop.run_forever()

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self._is_open.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        await self._flows.wait()
        try:
            if self._is_cut:
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            return
        else:
            self._writers.add(far_writer)
            with suppress(OSError):
                await asyncio.gather(
                    self._pump(reader, far_writer, self._flows), self._pump(far_reader, writer, self._flows_back)
                )
            far_writer.close()
        finally:
            writer.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flows: asyncio.Event
    ) -> None:  # fmt: skip
        try:
            while data := await reader.read(PIECE_BYTES):
                await flows.wait()
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

    # --- what tests do ------------------------------------------------------------------------------------------------

    def stall(self) -> None:
        """Nothing gets through any more, and nobody is told: a partition."""
        self._loop.call_soon_threadsafe(self._flows.clear)
        self._loop.call_soon_threadsafe(self._flows_back.clear)

    def stall_one_way(self) -> None:
        """What whoever has connected says does not arrive; it still gets everything."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def stall_back(self) -> None:
        """Whoever has connected gets nothing any more; what it says arrives."""
        self._loop.call_soon_threadsafe(self._flows_back.clear)

    def cut(self) -> None:
        """All connections are gone at once, and new ones end."""
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        self._is_cut = True
        for writer in list(self._writers):
            writer.transport.abort()

    def heal(self) -> None:
        """Everything gets through again, also what was held back."""
        self._loop.call_soon_threadsafe(self._heal)

    def _heal(self) -> None:
        self._is_cut = False
        self._flows.set()
        self._flows_back.set()

    def close(self) -> None:
        """Ends it."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _stop(self) -> None:
        assert self._server is not None
        self._flows.set()
        self._flows_back.set()
        # Neither is a task cancelled nor the server closed while a connection is being accepted: before its task has
        # begun, and before asyncio has attached it to the server, nobody would close its socket.
        self._cut()
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks, timeout=0.05)
            self._cut()
        self._server.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)
