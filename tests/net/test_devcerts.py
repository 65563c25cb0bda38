"""Development certificates: what they say, who may read them, when they are made again."""

import datetime
import ipaddress
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509

from certs.generate import main
from mqbroker.config.sections import TlsConfig
from mqbroker.net import devcerts


def test_the_server_certificate_is_for_this_machine(tmp_path: Path) -> None:
    server = x509.load_pem_x509_certificate(devcerts.generate(tmp_path).server.read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    addresses = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    assert names.get_values_for_type(x509.IPAddress) == addresses


def test_both_certificates_are_of_the_authority(tmp_path: Path) -> None:
    made = devcerts.generate(tmp_path)
    ca = x509.load_pem_x509_certificate(made.ca.read_bytes())
    for path in (made.server, made.client):
        x509.load_pem_x509_certificate(path.read_bytes()).verify_directly_issued_by(ca)


def test_keys_are_readable_by_their_owner_only_even_where_they_replace_others(tmp_path: Path) -> None:
    (tmp_path / "server.key").touch(0o644)
    made = devcerts.generate(tmp_path)
    for path in (made.server_key, made.client_key):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_certificates_are_kept_until_they_are_about_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = devcerts.ensure(tmp_path / "certs")
    first = made.server.read_bytes()
    assert devcerts.ensure(tmp_path / "certs").server.read_bytes() == first
    monkeypatch.setattr(devcerts, "RENEW_BEFORE", devcerts.LIFETIME + datetime.timedelta(days=1))
    assert devcerts.ensure(tmp_path / "certs").server.read_bytes() != first


def test_certificates_that_were_given_are_not_replaced(tmp_path: Path) -> None:
    given = TlsConfig(certificate=Path("a.pem"), key=Path("a.key"))
    assert devcerts.DevCertificates(tmp_path).tls_config(given) == given
    filled = devcerts.DevCertificates(tmp_path).tls_config(TlsConfig())
    assert (filled.certificate, filled.client_ca) == (tmp_path / "server.pem", tmp_path / "ca.pem")


def test_the_command_makes_certificates_for_the_names_it_is_given(tmp_path: Path) -> None:
    arguments = [str(tmp_path / "x"), "--server", "broker.example", "--server", "10.0.0.1", "--client", "shop"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    server = x509.load_pem_x509_certificate((tmp_path / "x" / "server.pem").read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["broker.example"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("10.0.0.1")]
    client = x509.load_pem_x509_certificate((tmp_path / "x" / "client.pem").read_bytes())
    assert client.subject.rfc4514_string() == "CN=shop"
