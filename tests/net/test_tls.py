"""TLS over real sockets: versions, client certificates, renewal, and PROXY headers before the handshake."""

import asyncio
import logging
import os
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from mqbroker.config.sections import TlsConfig
from mqbroker.errors import ConfigError
from mqbroker.net.devcerts import DevCertificates, generate
from mqbroker.net.tls import ServerTls, server_context
from tests.net.house import ask, is_refused, open_house, say_goodbye, until
from tests.net.test_listener import HEADER, LOOPBACK

URL = "amqps://127.0.0.1:0"


@pytest.fixture
def certificates(tmp_path: Path) -> DevCertificates:
    return generate(tmp_path / "certs", client_name="shop")


@pytest.fixture
def config(certificates: DevCertificates) -> TlsConfig:
    return certificates.tls_config(TlsConfig())


def client_context(certificates: DevCertificates, with_certificate: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(certificates.ca))
    if with_certificate:
        context.load_cert_chain(certificates.client, certificates.client_key)
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_clients_speak_tls_1_2_and_1_3(
    certificates: DevCertificates, config: TlsConfig, version: ssl.TLSVersion
) -> None:
    async with open_house(URL, tls=ServerTls(config)) as house:
        context = client_context(certificates)
        context.minimum_version = context.maximum_version = version
        client = await house.connect(context)
        assert await ask(client, b"SAY hello") == b"hello\n"
        assert house.sessions[0].peer.is_tls
        assert house.sessions[0].peer.certificate_names == {}
        await say_goodbye(client)


async def test_a_client_below_the_minimum_version_is_refused(certificates: DevCertificates, config: TlsConfig) -> None:
    async with open_house(URL, tls=ServerTls(replace(config, minimum_version="1.3"))) as house:
        context = client_context(certificates)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await house.connect(context)
        await until(lambda: not house.connections)


async def test_a_client_that_does_not_speak_tls_is_refused_in_one_line(
    config: TlsConfig, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_house(URL, tls=ServerTls(config)) as house:
        reader, writer = await house.connect()
        writer.write(b"AMQP\x00\x00\x09\x01")
        await until(lambda: len(house.connections) == 1)
        await until(lambda: not house.connections)
        await say_goodbye((reader, writer))
    lines = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == 1
    assert lines[0].exc_info is None


async def test_a_handshake_that_does_not_come_is_given_up(config: TlsConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mqbroker.limits.TLS_HANDSHAKE_TIMEOUT_S", 0.05)
    async with open_house(URL, tls=ServerTls(config)) as house:
        client = await house.connect()
        await until(lambda: len(house.connections) == 1)
        await until(lambda: not house.connections)
        await say_goodbye(client)


async def test_a_peer_in_its_handshake_does_not_delay_the_end(config: TlsConfig) -> None:
    async with open_house(URL, tls=ServerTls(config)) as house:
        client = await house.connect()
        await until(lambda: len(house.connections) == 1)
        house.listeners.close()
        assert await house.connections.wait_closed(1)
        await say_goodbye(client)


async def test_a_closing_session_has_its_last_words_over_tls(certificates: DevCertificates, config: TlsConfig) -> None:
    async with open_house(URL, tls=ServerTls(config)) as house:
        reader, writer = await house.connect(client_context(certificates))
        writer.write(b"BYE\n")
        assert await reader.read() == b"bye\n"
        await say_goodbye((reader, writer))
        await until(lambda: not house.connections)


async def test_a_client_certificate_gives_its_names(certificates: DevCertificates, config: TlsConfig) -> None:
    tls = ServerTls(replace(config, verify="required"))
    async with open_house(URL, tls=tls) as house:
        client = await house.connect(client_context(certificates, with_certificate=True))
        await ask(client, b"SAY hello")
        assert house.sessions[0].peer.certificate_names == {"cn": "shop", "dn": "CN=shop", "san_dns": "shop"}
        await say_goodbye(client)


async def test_without_a_required_client_certificate_there_is_no_session(
    certificates: DevCertificates, config: TlsConfig
) -> None:
    async with open_house(URL, tls=ServerTls(replace(config, verify="required"))) as house:
        # In TLS 1.3 the client's side of the handshake is complete before the server refuses.
        client = await house.connect(client_context(certificates))
        assert await is_refused(client)
        await say_goodbye(client)
        await until(lambda: not house.connections)
        assert house.sessions == []


async def test_an_optional_client_certificate_may_be_missing(certificates: DevCertificates, config: TlsConfig) -> None:
    async with open_house(URL, tls=ServerTls(replace(config, verify="optional"))) as house:
        client = await house.connect(client_context(certificates))
        await ask(client, b"SAY hello")
        assert house.sessions[0].peer.certificate_names == {}
        await say_goodbye(client)


async def test_a_client_certificate_of_a_strange_authority_is_refused(
    certificates: DevCertificates, config: TlsConfig, tmp_path: Path
) -> None:
    stranger = generate(tmp_path / "stranger")
    async with open_house(URL, tls=ServerTls(replace(config, verify="optional"))) as house:
        context = client_context(certificates)
        context.load_cert_chain(stranger.client, stranger.client_key)
        client = await house.connect(context)
        assert await is_refused(client)
        await say_goodbye(client)
        assert house.sessions == []


async def test_a_proxy_header_comes_before_the_handshake(certificates: DevCertificates, config: TlsConfig) -> None:
    async with open_house(URL, proxies=LOOPBACK, tls=ServerTls(config)) as house:
        reader, writer = await house.connect()
        writer.write(HEADER)
        await writer.start_tls(client_context(certificates), server_hostname="localhost")
        assert await ask((reader, writer), b"SAY hello") == b"hello\n"
        assert house.sessions[0].peer.host == "203.0.113.9"
        assert house.sessions[0].peer.is_tls
        await say_goodbye((reader, writer))


async def test_new_connections_get_the_new_certificate_and_old_ones_stay(
    certificates: DevCertificates, config: TlsConfig
) -> None:
    tls = ServerTls(config)
    async with open_house(URL, tls=tls) as house:
        before = await house.connect(client_context(certificates))
        assert await ask(before, b"SAY hello") == b"hello\n"
        generate(certificates.directory)
        tls.check(0)
        with pytest.raises(ssl.SSLCertVerificationError):
            await house.connect(_trusting(before[1]))
        after = await house.connect(client_context(certificates))
        assert await ask(after, b"SAY hello") == b"hello\n"
        assert await ask(before, b"SAY still here") == b"still here\n"
        assert _serial(before[1]) != _serial(after[1])
        await say_goodbye(before, after)


def _trusting(writer: asyncio.StreamWriter) -> ssl.SSLContext:
    """A context that trusts the old server certificate alone, as a client with it pinned would."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
    return context


def _serial(writer: asyncio.StreamWriter) -> object:
    return writer.get_extra_info("ssl_object").getpeercert()["serialNumber"]


def test_files_are_looked_at_every_ten_seconds_and_read_only_when_they_changed(
    certificates: DevCertificates, config: TlsConfig
) -> None:
    tls = ServerTls(config)
    first = tls.context
    tls.check(0)
    assert tls.context is first
    generate(certificates.directory)
    tls.check(9_999)
    assert tls.context is first
    tls.check(10_000)
    assert tls.context is not first


def test_a_broken_new_file_keeps_the_old_certificate_until_it_is_mended(
    config: TlsConfig, caplog: pytest.LogCaptureFixture
) -> None:
    tls = ServerTls(config)
    first = tls.context
    assert config.certificate is not None
    good = config.certificate.read_bytes()
    config.certificate.write_bytes(b"not a certificate")
    tls.check(0)
    assert tls.context is first
    assert "the TLS certificate stays as it was" in caplog.text
    config.certificate.write_bytes(good)
    assert tls.reload()
    assert tls.context is not first


def test_a_key_that_does_not_fit_its_certificate_is_one_sentence(
    certificates: DevCertificates, config: TlsConfig
) -> None:
    with pytest.raises(ConfigError, match="key values mismatch"):
        server_context(replace(config, key=certificates.client_key))


def test_a_missing_file_is_one_sentence(config: TlsConfig, tmp_path: Path) -> None:
    for name in ("certificate", "key", "client_ca"):
        broken = replace(config, **{name: tmp_path / "nothing.pem"}, verify="optional")  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match=rf"^tls\.{name}: .*nothing.pem cannot be read: No such file"):
            server_context(broken)


def test_a_file_without_a_certificate_in_it_is_one_sentence(config: TlsConfig, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch(0o600)
    with pytest.raises(ConfigError, match=r"^tls\.certificate and tls\.key: "):
        server_context(replace(config, certificate=empty))
    with pytest.raises(ConfigError, match=r"^tls\.client_ca: "):
        server_context(replace(config, client_ca=empty, verify="required"))


def test_a_key_that_others_may_read_is_refused(config: TlsConfig) -> None:
    assert config.key is not None
    os.chmod(config.key, 0o644)
    with pytest.raises(ConfigError, match="others than its owner may read or write"):
        server_context(config)
