"""Pages that belong to no service.

GET /_mqbroker/metrics          for Prometheus
GET /health                     for load balancers
"""

from prometheus_client import CollectorRegistry, generate_latest

from mqbroker.aws.front.front import HEALTH_PATH, PAGES_PATH, Page
from mqbroker.aws.front.page_guard import PageGuard, guarded
from mqbroker.protocols.http.messages import HttpRequest, HttpResponse

_PROMETHEUS = b"text/plain; version=0.0.4; charset=utf-8"


def common_pages(registry: CollectorRegistry, guard: PageGuard, service: str) -> dict[tuple[str, str], Page]:
    """The pages by method and path; `service` is the one that signatures are for."""

    def metrics(request: HttpRequest, _: dict[str, str]) -> HttpResponse:
        guard.local_or_administrator(request, service)
        return HttpResponse(200, _PROMETHEUS, generate_latest(registry))

    return {("GET", f"{PAGES_PATH}metrics"): guarded(metrics), ("GET", HEALTH_PATH): _health}


def _health(_request: HttpRequest, _query: dict[str, str]) -> HttpResponse:
    return HttpResponse(200, b"text/plain", b"ok\n")
