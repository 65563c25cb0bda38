// rhea-promise, on which Azure's libraries for Node.js are built, over TCP, TLS or WebSocket. The address is in AMQP_URL.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import rheaPromise from "rhea-promise";

const { Connection, ReceiverEvents, filter } = rheaPromise;
const url = new URL(process.env.AMQP_URL);
let connection;

async function options() {
  const login = { username: "guest", password: "guest", reconnect: false, operationTimeoutInSeconds: 15 };
  if (url.protocol.startsWith("ws")) {
    const webSocketOptions = { webSocket: (await import("ws")).default, url: `${url.protocol}//${url.host}/`, protocol: ["AMQPWSB10"] };
    return { ...login, host: url.hostname, port: Number(url.port), webSocketOptions };
  }
  const transport = url.protocol === "amqps:" ? "tls" : "tcp";
  return { ...login, host: url.hostname, hostname: url.hostname, port: Number(url.port), transport };
}

before(async () => {
  connection = new Connection(await options());
  await connection.open();
});

after(() => connection.close());

function messages(receiver, count) {
  return new Promise((resolve, reject) => {
    const found = [];
    receiver.on(ReceiverEvents.message, ({ message, delivery }) => {
      found.push({ message, delivery });
      if (found.length === count) resolve(found);
    });
    receiver.on(ReceiverEvents.receiverError, ({ receiver: failed }) => reject(failed.error));
  });
}

test("a send is resolved by its outcome", async () => {
  const sender = await connection.createAwaitableSender({ target: { address: "rhea-promise" } });
  for (let number = 0; number < 50; number++) {
    const delivery = await sender.send({ body: `message ${number}`, application_properties: { number } });
    assert.equal(delivery.settled, true);
    assert.equal(delivery.remote_settled, true);
  }
  await sender.close();
  const receiver = await connection.createReceiver({ source: { address: "rhea-promise" }, credit_window: 0, autoaccept: false });
  const coming = messages(receiver, 50);
  receiver.addCredit(50);
  const found = await coming;
  assert.deepEqual(found.map(({ message }) => message.body), Array.from({ length: 50 }, (_, number) => `message ${number}`));
  found.slice(0, 49).forEach(({ delivery }) => delivery.accept());
  found[49].delivery.release();
  await receiver.close();
  const again = await connection.createReceiver({ source: { address: "rhea-promise" } });
  const [{ message }] = await messages(again, 1);
  assert.equal(message.body, "message 49");
  await again.close();
});

test("requests are answered to a dynamic address", async () => {
  const server = await connection.createReceiver({ source: { address: "rhea-promise-service" } });
  const replies = await connection.createAwaitableSender({ target: {} });
  server.on(ReceiverEvents.message, ({ message }) =>
    replies.send({ to: message.reply_to, correlation_id: message.message_id, body: message.body.toUpperCase() }),
  );
  const receiver = await connection.createReceiver({ source: { dynamic: true } });
  const requests = await connection.createAwaitableSender({ target: { address: "rhea-promise-service" } });
  const coming = messages(receiver, 1);
  await requests.send({ message_id: "one", reply_to: receiver.address, body: "question" });
  const [{ message }] = await coming;
  assert.deepEqual([message.correlation_id, message.body], ["one", "QUESTION"]);
  for (const link of [server, replies, receiver, requests]) await link.close();
});

test("a refused link is told with the reason", async () => {
  for (const [source, reason] of [
    [{ address: "/queues/rhea-promise-nowhere" }, /no queue/],
    [{ address: "rhea-promise", filter: filter.selector("colour = ") }, /selector/],
  ]) {
    const error = await new Promise((resolve, reject) => {
      const onError = ({ receiver }) => resolve(receiver.error);
      connection.createReceiver({ source, onError, onMessage: () => {} }).catch(reject);
    });
    assert.match(error.description, reason);
  }
});

test("a session of its own ends and takes its links along", async () => {
  const session = await connection.createSession();
  const sender = await session.createAwaitableSender({ target: { address: "rhea-promise-session" } });
  await sender.send({ body: "x" });
  await session.close();
  assert.equal(session.isOpen(), false);
});
