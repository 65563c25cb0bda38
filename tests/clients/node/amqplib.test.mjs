// amqplib, the usual client of Node.js. The broker's address is in AMQP_URL.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import amqp from "amqplib";

const PUBLISHES = 2000;
let connection;

before(async () => {
  connection = await amqp.connect(process.env.AMQP_URL);
});

after(() => connection.close());

// Consumes and acknowledges `count` messages.
async function collect(channel, queue, count) {
  const found = [];
  const { promise, resolve } = deferred();
  const { consumerTag } = await channel.consume(queue, (message) => {
    channel.ack(message);
    found.push(message);
    if (found.length === count) resolve();
  });
  await promise;
  await channel.cancel(consumerTag);
  return found;
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

async function exclusiveQueue(channel, options = {}) {
  return (await channel.assertQueue("", { exclusive: true, ...options })).queue;
}

test("a message goes round with its properties", async () => {
  const channel = await connection.createChannel();
  const queue = await exclusiveQueue(channel);
  const headers = { text: "ä", number: 7, flag: true, list: [1, "two"], table: { deep: null } };
  const options = { headers, contentType: "text/plain", correlationId: "c", persistent: true, priority: 4, messageId: "m" };
  channel.sendToQueue(queue, Buffer.from("hello"), options);
  const [message] = await collect(channel, queue, 1);
  assert.equal(message.content.toString(), "hello");
  assert.deepEqual(message.properties.headers, headers);
  assert.equal(message.properties.contentType, "text/plain");
  assert.equal(message.properties.deliveryMode, 2);
  assert.equal(message.fields.redelivered, false);
  await channel.close();
});

test("every publish of a stream is confirmed and comes in order", async () => {
  const channel = await connection.createConfirmChannel();
  const queue = await exclusiveQueue(channel);
  for (let number = 0; number < PUBLISHES; number++) channel.sendToQueue(queue, Buffer.from(`${number}`));
  await channel.waitForConfirms();
  await channel.prefetch(50);
  const found = await collect(channel, queue, PUBLISHES);
  assert.deepEqual(found.map((message) => Number(message.content)), [...Array(PUBLISHES).keys()]);
  await channel.close();
});

test("a full queue refuses by nack, and what reaches nobody is returned", async () => {
  const channel = await connection.createConfirmChannel();
  const queue = await exclusiveQueue(channel, { arguments: { "x-max-length": 1, "x-overflow": "reject-publish" } });
  const publish = (exchange, key, options) =>
    new Promise((resolve) => channel.publish(exchange, key, Buffer.from("m"), options, resolve));
  assert.equal(await publish("", queue, {}), null);
  assert.match(String(await publish("", queue, {})), /nacked/);
  const returned = once(channel, "return");
  await publish("amq.direct", "nowhere", { mandatory: true });
  const [message] = await returned;
  assert.equal(message.fields.replyCode, 312);
  await channel.close();
});

test("exchanges route to queues and to exchanges", async () => {
  const channel = await connection.createChannel();
  const queue = await exclusiveQueue(channel);
  const source = `source-${queue}`;
  const target = `target-${queue}`;
  await channel.assertExchange(source, "topic", { autoDelete: true, durable: false });
  await channel.assertExchange(target, "headers", { autoDelete: true, durable: false });
  await channel.bindExchange(target, source, "a.#");
  await channel.bindQueue(queue, target, "", { "x-match": "all", kind: "x" });
  channel.publish(source, "b.c", Buffer.from("wrong key"), { headers: { kind: "x" } });
  channel.publish(source, "a.c", Buffer.from("wrong header"), { headers: { kind: "y" } });
  channel.publish(source, "a.c", Buffer.from("right"), { headers: { kind: "x" } });
  const [message] = await collect(channel, queue, 1);
  assert.equal(message.content.toString(), "right");
  await channel.close();
});

test("an answer comes back by direct reply-to", async () => {
  const server = await connection.createChannel();
  const queue = await exclusiveQueue(server);
  await server.consume(
    queue,
    ({ content, properties }) => {
      const { correlationId, replyTo } = properties;
      server.sendToQueue(replyTo, Buffer.from(content.toString().toUpperCase()), { correlationId });
    },
    { noAck: true },
  );
  const client = await connection.createChannel();
  const { promise, resolve } = deferred();
  await client.consume("amq.rabbitmq.reply-to", resolve, { noAck: true });
  client.sendToQueue(queue, Buffer.from("question"), { replyTo: "amq.rabbitmq.reply-to", correlationId: "1" });
  const answer = await promise;
  assert.equal(answer.content.toString(), "QUESTION");
  assert.equal(answer.properties.correlationId, "1");
  await Promise.all([server.close(), client.close()]);
});

test("a message that is refused is dead-lettered with its history", async () => {
  const channel = await connection.createChannel();
  const dead = await exclusiveQueue(channel);
  const queue = await exclusiveQueue(channel, { deadLetterExchange: "", deadLetterRoutingKey: dead });
  channel.sendToQueue(queue, Buffer.from("bad"));
  await channel.consume(queue, (message) => channel.nack(message, false, false));
  const [letter] = await collect(channel, dead, 1);
  const [death] = letter.properties.headers["x-death"];
  assert.deepEqual([death.reason, death.queue, death.count], ["rejected", queue, 1]);
  await channel.close();
});

test("a missing queue closes its channel with 404 and nothing else", async () => {
  const channel = await connection.createChannel();
  const closed = once(channel, "error");
  await assert.rejects(channel.checkQueue("missing"), /404 \(NOT-FOUND\).*no queue 'missing' in vhost '\/'/);
  const [error] = await closed;
  assert.equal(error.code, 404);
  const another = await connection.createChannel();
  assert.ok(await exclusiveQueue(another));
  await another.close();
});

test("a consumer is told when its queue is deleted", async () => {
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue("");
  const { promise, resolve } = deferred();
  await channel.consume(queue, resolve);
  await channel.deleteQueue(queue);
  assert.equal(await promise, null);
  await channel.close();
});

test("a body of several frames comes back whole", async () => {
  const channel = await connection.createChannel();
  const queue = await exclusiveQueue(channel);
  const body = Buffer.alloc(1_000_003, "0123456789");
  channel.sendToQueue(queue, body);
  const [message] = await collect(channel, queue, 1);
  assert.ok(message.content.equals(body));
  await channel.close();
});
