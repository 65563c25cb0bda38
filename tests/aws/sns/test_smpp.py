"""Text messages by a gateway that speaks SMPP, which is smpp34; and users who want no more of them."""

import asyncio
from pathlib import Path

import pytest

from tests.aws.sns.test_outside import reply
from tests.delivery.test_smpp import WAIT_S, Gateway, gateway
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess

__all__ = ["gateway"]
PHONE = "+15550001"


@pytest.mark.timeout(120)
async def test_texts_go_by_the_gateway_until_somebody_writes_stop(tmp_path: Path, gateway: Gateway) -> None:
    """Nobody could opt out: the list that CheckIfPhoneNumberIsOptedOut reads was always empty."""
    config = f'[aws.sns]\nsms_url = "smpp://shop:secret@127.0.0.1:{gateway.port}"\n'
    with BrokerProcess(tmp_path / "data", "--dev", schemes=("aws",), config=config) as broker:
        await talk(broker, gateway)


async def talk(broker: BrokerProcess, gateway: Gateway) -> None:
    sns = client(broker, "sns")

    async def sent(text: str, sender: str) -> None:
        attributes = {"AWS.SNS.SMS.SenderID": {"DataType": "String", "StringValue": sender}}
        await asyncio.to_thread(sns.publish, PhoneNumber=PHONE, Message=text, MessageAttributes=attributes)

    assert await asyncio.to_thread(reply, broker, "", "", b"from=%2B15550001&text=STOP") == 403, "there is no key"
    await sent("hello", "Shop")
    event = await asyncio.wait_for(gateway.messages.get(), WAIT_S)
    assert (event.source_addr, event.destination_addr) == ("Shop", PHONE[1:])
    assert bytes(event.short_message) == b"hello"
    await gateway.senders[0].deliver_sm("Shop", b" stop ", source_addr=PHONE[1:], source_addr_ton=1)
    async with asyncio.timeout(WAIT_S):
        while not await asyncio.to_thread(is_opted_out, sns):
            pass
    await sent("not wanted", "Shop")
    assert (await asyncio.to_thread(sns.list_phone_numbers_opted_out))["phoneNumbers"] == [PHONE]
    await asyncio.to_thread(broker.kill)
    await asyncio.to_thread(broker.start)
    sns = client(broker, "sns")
    assert await asyncio.to_thread(is_opted_out, sns)
    await asyncio.to_thread(sns.opt_in_phone_number, phoneNumber=PHONE)
    await sent("wanted again", "Shop")
    event = await asyncio.wait_for(gateway.messages.get(), WAIT_S)
    assert bytes(event.short_message) == b"wanted again"


def is_opted_out(sns: object) -> bool:
    return bool(sns.check_if_phone_number_is_opted_out(phoneNumber=PHONE)["isOptedOut"])  # type: ignore[attr-defined]
