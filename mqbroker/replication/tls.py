"""The certificates of links: both sides show one, and both must be of the pair's own authority."""

import ssl
from pathlib import Path

from mqbroker.config.sections import PairConfig
from mqbroker.errors import ConfigError


def link_contexts(config: PairConfig) -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
    """What the listening and the connecting side use; None for links that stay on this machine. Raises ConfigError."""
    if config.certificate is None or config.key is None or config.ca is None:
        return None, None
    if config.key.exists() and config.key.stat().st_mode & 0o027:
        raise ConfigError(
            f"pair.key: others than its owner may read or write {config.key}; run: chmod 600 {config.key}"
        )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for context in (server, client):
        context.minimum_version = ssl.TLSVersion.TLSv1_3  # both sides are this program
        context.verify_mode = ssl.CERT_REQUIRED
        _load(context, config.certificate, config.key, config.ca)
    return server, client


def reload_links(config: PairConfig, *contexts: ssl.SSLContext | None) -> None:
    """Reads the files again into the contexts that are in use; links that are open stay. An authority that is not in
    its file any more is trusted until the process ends. Raises ConfigError, and then nothing has changed."""
    link_contexts(config)
    for context in contexts:
        if context is not None and config.certificate and config.key and config.ca:
            _load(context, config.certificate, config.key, config.ca)


def _load(context: ssl.SSLContext, certificate: Path, key: Path, ca: Path) -> None:
    try:
        context.load_cert_chain(certificate, key, password="")
        context.load_verify_locations(ca)
    except (OSError, ValueError) as error:
        files = f"{certificate}, {key}, {ca}"
        raise ConfigError(f"pair.certificate, pair.key and pair.ca cannot be used: {error} ({files})") from None


def store_context(config: PairConfig) -> ssl.SSLContext | None:
    """What an election store is asked with; None for the usual authorities."""
    if config.election_ca is None:
        return None
    try:
        return ssl.create_default_context(cafile=config.election_ca)
    except OSError as error:
        raise ConfigError(f"pair.election_ca: {config.election_ca} cannot be used: {error}") from None
