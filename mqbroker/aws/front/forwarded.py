"""Requests that come through HTTP proxies of the operator's, as their clients sent them.

    X-Forwarded-For     the client's address: that which the outermost trusted proxy saw
    X-Forwarded-Proto   https, where the proxy ends TLS: queue URLs begin with it, and it is secure transport
    X-Forwarded-Host    the host that the client asked for, and signed, where the proxy asks with another one

Only from the networks of `aws.trusted_proxies`: from anybody else such headers mean nothing. Of several values the last
one counts, which is that of the nearest proxy: the others may be the client's own.
"""

import ipaddress
from dataclasses import replace

from mqbroker.config.addresses import Network
from mqbroker.protocols.http.messages import Answer, Handle, HttpRequest, Pending
from mqbroker.protocols.http.session import HOST
from mqbroker.protocols.session import Peer


def through_proxies(handle: Handle, proxies: tuple[Network, ...]) -> Handle:
    """The handling of requests of which some come through these proxies."""
    if not proxies:
        return handle

    def handle_as_sent(request: HttpRequest, answer: Answer, now: int) -> Pending | None:
        is_proxied = _is_inside(request.peer.host, proxies)
        return handle(_as_sent(request, proxies) if is_proxied else request, answer, now)

    return handle_as_sent


def _is_inside(host: str, networks: tuple[Network, ...]) -> bool:
    address = ipaddress.ip_address(host)
    return any(address in network for network in networks)


def _as_sent(request: HttpRequest, proxies: tuple[Network, ...]) -> HttpRequest:
    headers = dict(request.headers)
    host = _last(headers.get("x-forwarded-host", ""))
    if HOST.fullmatch(host):
        headers["host"] = host
    peer = _client(request.peer, headers.get("x-forwarded-for", ""), proxies)
    scheme = _last(headers.get("x-forwarded-proto", "")).lower()
    if scheme in ("http", "https"):
        peer = replace(peer, is_tls=scheme == "https")
    host = headers.get("host") or request.base_url.partition("://")[2]
    base_url = f"{'https' if peer.is_tls else 'http'}://{host}"
    return HttpRequest(request.method, request.target, headers, request.body, peer, base_url)


def _last(values: str) -> str:
    return values.rpartition(",")[2].strip()


def _client(proxy: Peer, addresses: str, proxies: tuple[Network, ...]) -> Peer:
    """Whoever the proxy speaks for. One that does not say so must not make a remote client a local one."""
    for text in reversed(addresses.split(",")):
        try:
            address = ipaddress.ip_address(text.strip())
        except ValueError:
            break
        if not _is_inside(str(address), proxies):
            return replace(proxy, host=str(address), port=0, is_loopback=address.is_loopback)
    return replace(proxy, is_loopback=False)
