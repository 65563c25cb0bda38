"""TLS for blocking clients that read in one thread and write in another.

Until Python 3.13 nothing keeps OpenSSL from doing both at once on one connection, and then what is written may never be
sent: one of a thousand connections hung, against any server. Here one thread does the TLS.
"""

import asyncio
import contextlib
import socket
import ssl
import threading

_PIECE = 65_536
_PATIENCE_S = 15


def open_tunnel(host: str, port: int, tls: ssl.SSLContext) -> socket.socket:
    """A socket whose octets go to that server by TLS, until either side closes. Raises what connecting raises."""
    with socket.create_server(("127.0.0.1", 0)) as server:  # of TCP, whose options clients set
        near = socket.create_connection(server.getsockname())
        far = server.accept()[0]
    connected = threading.Event()
    failures: list[OSError] = []

    async def carry() -> None:
        try:
            beyond = await asyncio.open_connection(host, port, ssl=tls)
        except OSError as error:
            failures.append(error)
            far.close()
            return
        finally:
            connected.set()
        client = await asyncio.open_connection(sock=far)
        await asyncio.gather(_pump(client[0], beyond[1]), _pump(beyond[0], client[1]))

    threading.Thread(target=asyncio.run, args=(carry(),), daemon=True).start()
    assert connected.wait(_PATIENCE_S)
    if failures:
        near.close()
        raise failures[0]
    return near


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await source.read(_PIECE):
            sink.write(piece)
            await sink.drain()
    sink.close()
