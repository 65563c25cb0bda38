"""Mail servers that refuse for now, for good, or are not there."""

from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.smtp import Mailer
from tests.support.ports import free_port


class Server:
    """A mail server that answers as a test says."""

    answer = "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer


@pytest.fixture
def served() -> Iterator[tuple[Server, int]]:
    server = Server()
    controller = Controller(server, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield server, controller.port
    controller.stop()


@pytest.mark.parametrize(("answer", "is_permanent"), [("450 greylisted", False), ("550 no such user", True)])
async def test_a_refusal_is_for_now_or_for_good(served: tuple[Server, int], answer: str, is_permanent: bool) -> None:
    """Greylisting was taken for a refusal, and the mail was lost."""
    server, port = served
    server.answer = answer
    mailer = Mailer(f"smtp://127.0.0.1:{port}", "a@example.com", 5)
    with pytest.raises(DeliveryFailed, match=answer[4:]) as failed:
        await mailer.send("b@example.com", "Name", "Subject", "Text")
    assert failed.value.is_permanent is is_permanent
    server.answer = "250 OK"
    assert await mailer.send("b@example.com", "Name\r\nX: 1", "Subject", "Text") == 250


async def test_a_server_that_is_not_there_may_come_back() -> None:
    with pytest.raises(DeliveryFailed) as failed:
        await Mailer(f"smtp://127.0.0.1:{free_port()}", "a@example.com", 5).send("b@example.com", "N", "S", "T")
    assert not failed.value.is_permanent


async def test_without_a_server_there_is_no_mail() -> None:
    with pytest.raises(DeliveryFailed, match=r"aws\.sns\.smtp_url"):
        await Mailer("", "a@example.com", 5).send("b@example.com", "N", "S", "T")
