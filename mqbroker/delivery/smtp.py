"""Mail: one message at a time to the server that the operator names.

A server that says 4xx, as for greylisting, may take the message later; one that says 5xx never will (RFC 5321 §4.2.1).
"""

from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

import aiosmtplib

from mqbroker.delivery.errors import DeliveryFailed

_PORTS = {"smtp": 25, "smtps": 465}
_PERMANENT = range(500, 600)
ACCEPTED = 250


class Mailer:
    """Sends mail."""

    def __init__(self, url: str, sender: str, timeout_s: float) -> None:
        """`url` is smtp://user:password@host:port, or smtps:// where TLS comes first; STARTTLS is used if offered."""
        self.sender = sender
        self.is_configured = bool(url)
        parts = urlsplit(url or "smtp://localhost")
        self._host = parts.hostname or "localhost"
        self._port = parts.port or _PORTS[parts.scheme]
        self._is_tls = parts.scheme == "smtps"
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._timeout_s = timeout_s

    async def send(self, recipient: str, name: str, subject: str, text: str) -> int:
        """Sends a text; `name` stands before the sender's address. What the server says. Raises DeliveryFailed."""
        if not self.is_configured:
            raise DeliveryFailed("no mail server is configured (aws.sns.smtp_url)", is_permanent=True)
        message = EmailMessage()
        message["From"] = f"{_quoted(name)} <{self.sender}>"
        message["To"] = recipient
        message["Subject"] = subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2] or None)
        message.set_content(text)
        try:
            await aiosmtplib.send(
                message,
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=self._password,
                use_tls=self._is_tls,
                timeout=self._timeout_s,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            code = error.recipients[0].code
            raise DeliveryFailed(str(error.recipients[0].message), code in _PERMANENT, code) from None
        except aiosmtplib.SMTPResponseException as error:
            raise DeliveryFailed(error.message, error.code in _PERMANENT, error.code) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise DeliveryFailed(f"{type(error).__name__}: {error}") from None
        return ACCEPTED


def _quoted(name: str) -> str:
    plain = "".join(character for character in name if character.isprintable() and character not in '"\\<>')
    return f'"{plain}"'
