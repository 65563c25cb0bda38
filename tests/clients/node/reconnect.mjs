// A session of @cloudamqp/amqp-client whose broker goes away and comes back: it ends well once its subscription works
// again. The broker's address is in AMQP_URL.
import { AMQPSession } from "@cloudamqp/amqp-client";

let wasLost = false;
const session = await AMQPSession.connect(process.env.AMQP_URL, {
  reconnectInterval: 50,
  maxReconnectInterval: 50,
  ondisconnect: () => { wasLost = true; },
  onconnect: async () => {
    if (wasLost) await (await session.queue("node-reconnect")).publish("after", { deliveryMode: 2 });
  },
});
const queue = await session.queue("node-reconnect", { durable: true });
await queue.subscribe(async (message) => {
  console.log(message.bodyString());
  if (message.bodyString() === "after") await session.stop();
});
await queue.publish("before", { deliveryMode: 2 });
