"""The server's side of TLS: one context from the configuration, replaced when the files behind it change.

New connections take the current context; those that are open keep theirs. A file that is broken when it is read again
leaves the old context in place: an operator's mistake must not lock out clients that were served a second ago.
"""

import logging
import os
import ssl
from pathlib import Path

from mqbroker.config.sections import TlsConfig
from mqbroker.errors import ConfigError
from mqbroker.limits import TLS_CHECK_INTERVAL_MS

log = logging.getLogger(__name__)

# Forward secrecy and authenticated encryption only. TLS 1.3 has its own list, and all of it qualifies.
TLS_1_2_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_VERIFY_MODES = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


class ServerTls:
    """The current context, and when to replace it."""

    def __init__(self, config: TlsConfig) -> None:
        """Raises ConfigError if a file cannot be used."""
        self._config = config
        self._signature = _signature(config)
        self._check_at = 0
        self.context = server_context(config)

    def expires_at(self) -> int:
        """When the certificate does, in seconds since the epoch; 0 when its file cannot be read at the moment."""
        from cryptography.x509 import load_pem_x509_certificate  # which takes its time, and is seldom needed

        try:
            octets = b"" if self._config.certificate is None else self._config.certificate.read_bytes()
            return int(load_pem_x509_certificate(octets).not_valid_after_utc.timestamp())
        except (OSError, ValueError):
            return 0

    def check(self, now: int) -> None:
        """Reads the files again if they changed, looking at most every ten seconds. `now` is in milliseconds."""
        if now < self._check_at:
            return
        self._check_at = now + TLS_CHECK_INTERVAL_MS
        signature = _signature(self._config)
        if signature != self._signature:
            self._signature = signature
            self.reload()

    def reload(self) -> bool:
        """Reads the files again, as on SIGHUP. False, with a line in the log, if they cannot be used."""
        try:
            self.context = server_context(self._config)
        except ConfigError as error:
            log.error("the TLS certificate stays as it was: %s", error)
            return False
        self._signature = _signature(self._config)
        log.info("the TLS certificate %s was read again", self._config.certificate)
        return True


def server_context(config: TlsConfig) -> ssl.SSLContext:
    """A context for the server's side. Raises ConfigError if a file cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[config.minimum_version]
    context.set_ciphers(TLS_1_2_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    _load_certificate(context, config)
    _load_client_authorities(context, config)
    return context


def _load_certificate(context: ssl.SSLContext, config: TlsConfig) -> None:
    certificate, key = config.certificate, config.key
    if certificate is None or key is None:
        raise ConfigError("TLS needs tls.certificate and tls.key")
    _check_readable(certificate, "tls.certificate")
    _check_readable(key, "tls.key")
    if key.stat().st_mode & 0o027:
        raise ConfigError(f"tls.key: others than its owner may read or write {key}; run: chmod 600 {key}")
    try:
        # The password keeps OpenSSL from asking for one on the terminal of a server.
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(f"tls.certificate and tls.key: {_words(error)} ({certificate}, {key})") from None


def _load_client_authorities(context: ssl.SSLContext, config: TlsConfig) -> None:
    context.verify_mode = _VERIFY_MODES[config.verify]
    if config.verify == "none" or config.client_ca is None:
        return
    _check_readable(config.client_ca, "tls.client_ca")
    try:
        context.load_verify_locations(config.client_ca)
    except ssl.SSLError as error:
        raise ConfigError(f"tls.client_ca: {_words(error)} ({config.client_ca})") from None


def _check_readable(path: Path, name: str) -> None:
    try:
        path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{name}: {path} cannot be read: {error.strerror}") from None


def _words(error: Exception) -> str:
    """OpenSSL's reason in words: `KEY_VALUES_MISMATCH` becomes `key values mismatch`."""
    reason = getattr(error, "reason", None)
    return str(reason).replace("_", " ").lower() if reason else "not in PEM form"


def _signature(config: TlsConfig) -> tuple[object, ...]:
    paths = (config.certificate, config.key, config.client_ca)
    return tuple(_file_signature(path) for path in paths if path is not None)


def _file_signature(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
