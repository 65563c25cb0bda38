// rhea, the AMQP 1.0 client of Node.js, over TCP, TLS or WebSocket. The broker's address is in AMQP_URL.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import rhea from "rhea";

const MESSAGES = 2000;
const url = new URL(process.env.AMQP_URL);
let connection;

function options() {
  const login = { username: "guest", password: "guest", reconnect: false };
  if (url.protocol.startsWith("ws")) {
    const connect = rhea.websocket_connect(globalThis.WebSocket);
    const address = `${url.protocol}//${url.host}/`;
    return { ...login, connection_details: connect(address, ["binary", "AMQPWSB10", "amqp"], {}) };
  }
  const transport = url.protocol === "amqps:" ? "tls" : "tcp";
  return { ...login, host: url.hostname, port: Number(url.port), transport };
}

before(async () => {
  if (url.protocol.startsWith("ws")) globalThis.WebSocket = (await import("ws")).default;
  connection = rhea.create_container({ id: "rhea-test" }).connect(options());
  await once(connection, "connection_open");
});

after(async () => {
  connection.close();
  await once(connection, "connection_close");
});

test("a stream of messages is accepted, and comes in order", async () => {
  const sender = connection.open_sender("rhea-stream");
  const receiver = connection.open_receiver({ source: "rhea-stream", credit_window: 100 });
  await once(sender, "sendable");
  let sent = 0;
  let accepted = 0;
  const pump = () => {
    while (sender.sendable() && sent < MESSAGES) sender.send({ message_id: sent, body: `message ${sent++}` });
  };
  const found = [];
  const done = Promise.all([
    new Promise((resolve) => sender.on("accepted", () => ++accepted === MESSAGES && resolve())),
    new Promise((resolve) =>
      receiver.on("message", ({ message }) => found.push(message.body) === MESSAGES && resolve()),
    ),
  ]);
  sender.on("sendable", pump);
  pump();
  await done;
  assert.deepEqual(found, Array.from({ length: MESSAGES }, (_, number) => `message ${number}`));
  sender.close();
  receiver.close();
});

test("every part of a message comes as it was", async () => {
  const receiver = connection.open_receiver({ source: { dynamic: true } });
  await once(receiver, "receiver_open");
  const sender = connection.open_sender(receiver.source.address);
  await once(sender, "sendable");
  const message = {
    durable: true, priority: 6, subject: "s", reply_to: "r", correlation_id: "c", content_type: "text/plain",
    group_id: "g", message_annotations: { "x-note": "kept" }, application_properties: { colour: "red", count: 5 },
    body: { list: [1, "two", true], nothing: null },
  };
  sender.send(message);
  const [{ message: found }] = await once(receiver, "message");
  for (const [name, value] of Object.entries(message)) {
    if (name !== "message_annotations") assert.deepEqual(found[name], value, name);
  }
  assert.equal(found.message_annotations["x-note"], "kept");
  sender.close();
  receiver.close();
});

test("a selector selects, and a browser takes nothing", async () => {
  const sender = connection.open_sender("rhea-selected");
  await once(sender, "sendable");
  for (const colour of ["red", "green", "red"]) sender.send({ application_properties: { colour }, body: colour });
  const filter = rhea.filter.selector("colour = 'green'");
  const chosen = connection.open_receiver({ source: { address: "rhea-selected", filter } });
  const [{ message }] = await once(chosen, "message");
  assert.equal(message.body, "green");
  const browser = connection.open_receiver({ source: { address: "rhea-selected", distribution_mode: "copy" } });
  const [{ message: first }] = await once(browser, "message");
  assert.equal(first.body, "red");
  chosen.close();
  browser.close();
});

test("a transfer that is refused tells why", async () => {
  const receiver = connection.open_receiver("/queues/rhea-nowhere");
  const [{ receiver: refused }] = await once(receiver, "receiver_error");
  assert.equal(refused.error.condition, "amqp:not-found");
  const sender = connection.open_sender("/queues/rhea-nowhere");
  await once(sender, "sendable");
  sender.send({ body: "lost" });
  await once(sender, "released");
  sender.close();
});

test("a drain ends a wait", async () => {
  const receiver = connection.open_receiver({ source: "rhea-empty", credit_window: 0 });
  await once(receiver, "receiver_open");
  receiver.drain_credit();
  receiver.add_credit(5);
  receiver.drain_credit();
  await once(receiver, "receiver_drained");
  receiver.close();
});

test("one receiver takes from several queues, and each keeps its messages in order", async () => {
  const names = ["rhea-several.a", "rhea-several.b"];
  for (const name of names) {
    const sender = connection.open_sender(`queue://${name}`);
    await once(sender, "sendable");
    for (let number = 0; number < 50; number++) sender.send({ body: `${name} ${number}`, group_id: "g" });
    sender.close();
  }
  const receiver = connection.open_receiver({ source: "queue://rhea-several.*", credit_window: 10 });
  const found = [];
  const firsts = [];
  await new Promise((resolve) =>
    receiver.on("message", ({ message }) => {
      if (message.application_properties?.JMSXGroupFirstForConsumer) firsts.push(message.body);
      if (found.push(message.body) === 100) resolve();
    }),
  );
  for (const name of names) {
    const own = found.filter((body) => body.startsWith(name));
    assert.deepEqual(own, Array.from({ length: 50 }, (_, number) => `${name} ${number}`));
  }
  assert.deepEqual(firsts.sort(), names.map((name) => `${name} 0`));
  assert.ok(found.slice(0, 50).some((body) => body.startsWith(names[1])));
  receiver.close();
});
