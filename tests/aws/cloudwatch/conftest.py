"""CloudWatch on every wire that SDKs have spoken with it: a model of botocore's is given that wire alone."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import botocore  # type: ignore[import-untyped]
import botocore.session  # type: ignore[import-untyped]
import pytest
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.serialize import SERIALIZERS  # type: ignore[import-untyped]

from tests.support.broker_process import BrokerProcess

_TYPES = {"json": "application/x-amz-json-1.0", "smithy-rpc-v2-cbor": "application/cbor", "query": "text/xml"}
WIRES = {wire: kind for wire, kind in _TYPES.items() if wire in SERIALIZERS}
"""Those that this botocore speaks, with the types of their answers."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker for development: any access key will do."""
    data_dir = tmp_path_factory.mktemp("cloudwatch") / "data"
    with BrokerProcess(data_dir, "--dev", "--durability", "write", schemes=("aws", "amqp")) as running:
        yield running


def speaking(wire: str, folder: Path, broker: BrokerProcess, key: str = "test", secret: str = "test") -> Any:
    """boto3's client of CloudWatch on one wire."""
    data = Path(botocore.__file__).parent / "data" / "cloudwatch" / "2010-08-01" / "service-2.json.gz"
    model = json.loads(gzip.decompress(data.read_bytes()))
    model["metadata"].update(
        protocol=wire, protocols=[wire], jsonVersion="1.0", targetPrefix="GraniteServiceVersion20100801"
    )
    if wire == "query":
        model["metadata"].pop("awsQueryCompatible", None)
    place = folder / "cloudwatch" / "2010-08-01"
    place.mkdir(parents=True, exist_ok=True)
    (place / "service-2.json").write_text(json.dumps(model))
    session = botocore.session.Session()
    session.get_component("data_loader").search_paths.insert(0, str(folder))
    return boto3.Session(botocore_session=session).client(
        "cloudwatch", endpoint_url=f"http://127.0.0.1:{broker.ports['aws']}", region_name="us-east-1",
        aws_access_key_id=key, aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=30),
    )  # fmt: skip


@pytest.fixture(params=WIRES)
def cloudwatch(request: pytest.FixtureRequest, broker: BrokerProcess, tmp_path: Path) -> Iterator[Any]:
    """boto3's client, on each wire in turn."""
    made = speaking(request.param, tmp_path, broker)
    made.meta.events.register(
        "after-call.cloudwatch.*", lambda http_response, **_: _check_type(request.param, http_response)
    )
    yield made
    made.close()


def _check_type(wire: str, response: Any) -> None:
    if response.content:
        assert response.headers["content-type"] == WIRES[wire]


def around_now() -> dict[str, datetime]:
    """The last ten minutes, and the one that runs."""
    now = datetime.now(UTC)
    return {"StartTime": now - timedelta(minutes=10), "EndTime": now + timedelta(minutes=1)}


def values(client: Any, namespace: str, metric: str, stat: str = "Sum", **dimensions: str) -> list[float]:
    """What GetMetricData has of a metric."""
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    found = {"Namespace": namespace, "MetricName": metric, "Dimensions": named}
    answer = client.get_metric_data(
        MetricDataQueries=[{"Id": "a", "MetricStat": {"Metric": found, "Period": 60, "Stat": stat}}], **around_now()
    )
    (result,) = answer["MetricDataResults"]
    assert result["StatusCode"] == "Complete"
    assert len(result["Timestamps"]) == len(result["Values"])
    return list(result["Values"])
