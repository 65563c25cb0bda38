"""WebSocket (RFC 6455) between a socket and the shell of a session, which notices nothing of it.

To the loop this is a protocol, to the `Connection` it is the transport: what arrives in messages is handed on as one
stream of bytes, and what the session says in a turn leaves as one binary message for each packet of a session that
knows of packets, else as one altogether; as several if it is long. A session of texts says them in text messages.
Where messages begin and end should mean nothing [MQTT-6.0.0-2], and AMQP's clients take what comes as a stream. But
there are MQTT clients that look at the first packet of a message only, and at the rest when something else arrives:
Paho's C library up to 1.3.12, the one of Debian 12.
A fragment is handed on before its message is complete. Frames are the library's business, but for the plain short ones,
which are nearly all of them (frames.py). Nothing is ever compressed.

    socket --upgrade--> open --a Close frame sent or received--> closing --the socket closes, or time is up--> gone
       \\--refused----------------------------------------------------^

It knows no protocol. Its own memory is bounded: what a stranger may send altogether, the size of a message, and one
Pong for a peer that sends Pings and does not read.
"""

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import State

from mqbroker import limits
from mqbroker.config.sections import WebSocketConfig
from mqbroker.net.choice import SessionFactory
from mqbroker.net.connection import Connection
from mqbroker.net.frames import Boundary, put_texts_together, put_together, take_short
from mqbroker.net.upgrade import Carried, Handshake

_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
_END_OF_OUTPUT = b""  # among the library's output: our side of the socket closes


class WebSocket(asyncio.Protocol, asyncio.Transport):
    """One connection whose bytes travel in WebSocket messages."""

    __slots__ = (
        "_boundary",
        "_combines_packets",
        "_connection",
        "_handshake",
        "_input",
        "_is_fragmented",
        "_is_full",
        "_is_named",
        "_is_open",
        "_is_receiving",
        "_is_served",
        "_is_wanted",
        "_message_size_max",
        "_pong",
        "_protocol",
        "_refusal",
        "_socket",
        "_stranger_bytes",
        "upgraded",
    )

    _socket: asyncio.Transport

    def __init__(
        self,
        connection: Connection,
        config: WebSocketConfig,
        carried: Carried,
        factories: Mapping[str, SessionFactory],
    ) -> None:
        """`factories` makes sessions by the name of their protocol."""
        super().__init__()
        self.upgraded: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Done when the connection is open, or is gone: then with the reason, which is empty for what was answered."""
        self._connection = connection
        self._handshake: Handshake | None = Handshake(config, carried, factories)
        self._protocol = self._handshake.protocol
        self._refusal = ""
        self._is_served = False  # a request that was none for a WebSocket has its answer
        self._is_open = False
        self._is_wanted = True  # the session reads
        self._is_receiving = True  # the socket is read
        self._is_full = False  # the socket's buffer is
        self._is_named = False
        self._is_fragmented = False  # a message has begun whose last fragment is still to come
        self._stranger_bytes = 0
        self._input = bytearray()  # what others' turns have kept from being taken apart
        self._boundary = Boundary()
        self._message_size_max = config.message_size_max
        self._combines_packets = config.combine_packets
        self._pong = b""

    # --- called by asyncio ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there, and its TLS handshake is done."""
        self._socket = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Takes a chunk of the opening handshake, or of frames."""
        if self._is_open:
            self._input += data
            self._take_apart()
        elif self._handshake is not None:
            self._shake_hands(self._handshake, data)

    def eof_received(self) -> bool:
        """The peer has closed its side, with or without a word."""
        return self._is_open and self._connection.eof_received()

    def pause_writing(self) -> None:
        """The peer reads more slowly than we write."""
        self._is_full = True
        if self._is_open:
            self._connection.pause_writing()

    def resume_writing(self) -> None:
        """What was written has gone out."""
        self._is_full = False
        if self._pong:
            self._socket.write(self._pong)
            self._pong = b""
        if self._is_open:
            self._connection.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._input.clear()
        if self._is_open:
            self._connection.connection_lost(exc)
        elif not self.upgraded.done():
            ended = "" if self._is_served else "the connection ended before its WebSocket handshake"
            self.upgraded.set_result(self._refusal or ended)
        self._is_open = False
        self._protocol.free()
        del self._connection

    @property
    def is_open(self) -> bool:
        """Whether the handshake has made a WebSocket of the connection."""
        return self._is_open

    # --- called by the connection -----------------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Sends what a session says, which is whole packets."""
        if not self._is_open or self._protocol.state is not State.OPEN:  # no message may follow a Close frame
            return
        octets = bytes(data)
        if self._connection.session.takes_text:
            self._socket.write(put_texts_together(octets, limits.WEBSOCKET_OUTPUT_BYTES_MAX))
            return
        ends = [] if self._combines_packets else self._connection.session.packet_ends(octets)
        self._socket.write(put_together(octets, ends or [len(octets)], limits.WEBSOCKET_OUTPUT_BYTES_MAX))

    def pause_reading(self) -> None:
        """The session wants no more input for now."""
        self._is_wanted = False
        self._set_receiving()

    def resume_reading(self) -> None:
        """The session wants input again."""
        self._is_wanted = True
        if self._input:
            asyncio.get_running_loop().call_soon(self._take_apart)
        self._set_receiving()

    def close(self) -> None:
        """Begins the closing handshake, unless a Close frame has been sent. The caller bounds how long it takes."""
        if self._is_open and self._protocol.state is State.OPEN:
            self._protocol.send_close(*self._connection.session.close_word())
            self._write_frames()

    def abort(self) -> None:
        """Closes the socket at once."""
        self._socket.abort()

    def is_closing(self) -> bool:
        """Whether the socket is being closed."""
        return self._socket.is_closing()

    def can_write_eof(self) -> bool:
        """False: a WebSocket has no half that could be closed."""
        return False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known of the socket."""
        return self._socket.get_extra_info(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Bounds the socket's buffer, in bytes."""
        self._socket.set_write_buffer_limits(high, low)

    # --- the opening handshake --------------------------------------------------------------------------------------

    def _shake_hands(self, handshake: Handshake, data: bytes) -> None:
        answer = handshake.receive(data)
        if answer is None:
            return
        self._handshake = None
        self._socket.write(answer.data)
        if answer.new_session is None:
            self._refusal = answer.reason
            self._is_served = not answer.reason
            self._close_socket()
        else:
            self._open(answer.new_session, answer.basic)
            self._input += answer.rest
            self._take_apart()

    def _open(self, new_session: SessionFactory, basic: tuple[str, str]) -> None:
        self._is_open = True
        self._connection.peer = replace(self._connection.peer, basic=basic)
        self._connection.new_session = new_session
        self._connection.connection_made(self)
        if not self.upgraded.done():
            self.upgraded.set_result("")

    # --- input ------------------------------------------------------------------------------------------------------

    def _take_apart(self) -> None:
        """Takes input apart until it is used up, the session has had enough, or it is the turn of others."""
        pending = self._input
        frames = 0
        while pending and self._is_wanted and frames < limits.WEBSOCKET_FRAMES_PER_WAKE:
            piece = bytes(pending[: limits.WEBSOCKET_SLICE_BYTES])
            del pending[: limits.WEBSOCKET_SLICE_BYTES]
            frames += self._receive(piece)
        if pending and self._is_wanted:
            asyncio.get_running_loop().call_soon(self._take_apart)
        self._set_receiving()

    def _receive(self, piece: bytes) -> int:
        """Hands on what the frames hold, and answers those that want an answer. Returns how many there were."""
        self._stranger_bytes += len(piece)
        at = count = 0
        while at < len(piece):
            if self._takes_short_frames():
                payloads, at = take_short(piece, at, self._message_size_max)
                if payloads:
                    self._hand_on(b"".join(payloads))
                    count += len(payloads)
                    continue
            start = at
            at = self._boundary.advance(piece, at)
            count += self._understand(piece[start:at])
        if not self._is_named:
            self._judge_stranger()
        return count

    def _hand_on(self, data: bytes) -> None:
        """What the session has been given is for it to bound, before the log-in too. Frames may be empty."""
        if data:
            self._stranger_bytes -= len(data)
            self._connection.data_received(data)

    def _takes_short_frames(self) -> bool:
        """Whether a short frame may come now, and means nothing but its payload."""
        is_between = not self._boundary.is_inside and not self._is_fragmented
        return is_between and self._protocol.state is State.OPEN

    def _understand(self, octets: bytes) -> int:
        """Has the library look at octets of one frame; how many frames it has understood."""
        protocol = self._protocol
        protocol.receive_data(octets)
        frames = cast(list[Frame], protocol.events_received())
        takes_text = self._connection.session.takes_text
        understood = frames if takes_text else list(itertools.takewhile(_is_understood, frames))
        fragments = [frame for frame in understood if frame.opcode in _DATA]
        if fragments:
            self._is_fragmented = not fragments[-1].fin
        data = b"".join(frame.data for frame in fragments)
        if data:
            self._hand_on(data)
        if len(understood) < len(frames):
            protocol.fail(CloseCode.UNSUPPORTED_DATA, "text messages are not understood")
        self._answer()
        return len(frames)

    def _judge_stranger(self) -> None:
        """Bounds what a peer without a name sends that the session is not given: headers, frames of control, and what
        is there of a long frame."""
        self._is_named = self._connection.is_authenticated
        if not self._is_named and self._stranger_bytes > limits.WEBSOCKET_PREAUTH_BYTES_MAX:
            self._protocol.fail(CloseCode.POLICY_VIOLATION, "too much was sent before the log-in")
            self._answer()

    def _answer(self) -> None:
        """Sends Pongs, and the Close frame that answers the peer's or tells it what it did wrong."""
        if self._protocol.state is not State.OPEN:
            self._write_frames()
            self._connection.close()
        elif self._is_full:
            # RFC 6455 §5.5.3: of several Pings only the last needs its Pong. A peer that reads none costs no more.
            self._pong = (self._protocol.data_to_send() or [self._pong])[-1]
        else:
            self._write_frames()

    def _set_receiving(self) -> None:
        """Reads the socket only while the session reads and has been given all there is."""
        is_receiving = self._is_wanted and not self._input
        if is_receiving is self._is_receiving or self._socket.is_closing():
            return
        self._is_receiving = is_receiving
        if is_receiving:
            self._socket.resume_reading()
        else:
            self._socket.pause_reading()

    # --- output -----------------------------------------------------------------------------------------------------

    def _write_frames(self) -> None:
        pieces = self._protocol.data_to_send()
        if pieces:
            self._socket.write(b"".join(pieces))
        if _END_OF_OUTPUT in pieces:
            self._close_socket()

    def _close_socket(self) -> None:
        """Closes our side only, where that is possible: input that nobody reads would reset our last words."""
        self._pong = b""
        if self._socket.can_write_eof():
            self._socket.write_eof()
        else:
            self._socket.close()


def _is_understood(frame: Frame) -> bool:
    # [MQTT-6.0.0-1]: another kind of data than binary closes the connection. AMQP is binary as well.
    return frame.opcode is not Opcode.TEXT
