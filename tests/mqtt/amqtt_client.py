"""A client of amqtt that publishes to itself; run in amqtt's own environment, with a port and a QoS."""

import asyncio
import sys

from amqtt.client import MQTTClient

WAIT_S = 10


async def main(port: str, qos: int) -> None:
    client = MQTTClient(client_id=f"amqtt{qos}", config={"auto_reconnect": False})
    await client.connect(f"mqtt://127.0.0.1:{port}/")
    await client.subscribe([(f"amqtt/{qos}", qos)])
    await client.publish(f"amqtt/{qos}", b"hello", qos=qos)
    message = await client.deliver_message(WAIT_S)
    assert message is not None
    print("received:", bytes(message.data).decode())
    await client.disconnect()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
