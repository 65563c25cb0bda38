// @cloudamqp/amqp-client, the client of LavinMQ's makers, over TCP or WebSocket. The broker's address is in AMQP_URL.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AMQPClient, AMQPSession, AMQPWebSocketClient } from "@cloudamqp/amqp-client";
import WebSocket from "ws";

const PUBLISHES = 2000;
let connection;

globalThis.WebSocket ??= WebSocket;  // browsers have one, and Node.js from version 22

before(async () => {
  const url = process.env.AMQP_URL;
  const client = url.startsWith("ws") ? new AMQPWebSocketClient(url.replace("guest:guest@", "")) : new AMQPClient(url);
  connection = await client.connect();
});

after(() => connection.close());


test("a message goes round with its properties", async () => {
  const channel = await connection.channel();
  const queue = await channel.queueDeclare("", { exclusive: true });
  const headers = { text: "ä", number: 7, flag: true, list: [1, "two"] };
  await channel.basicPublish("", queue.name, "hello", { headers, contentType: "text/plain", deliveryMode: 2 });
  const message = await channel.basicGet(queue.name, { noAck: true });
  assert.equal(message.bodyString(), "hello");
  assert.deepEqual(message.properties.headers, headers);
  assert.equal(message.properties.contentType, "text/plain");
  assert.equal(await channel.basicGet(queue.name), null);
  await channel.close();
});

test("every publish of a stream is confirmed and comes in order", async () => {
  const channel = await connection.channel();
  const { name } = await channel.queueDeclare("", { exclusive: true });
  await channel.confirmSelect();
  const tags = await Promise.all(
    Array.from({ length: PUBLISHES }, (_, number) => channel.basicPublish("", name, `${number}`)),
  );
  assert.equal(tags.at(-1), PUBLISHES);
  await channel.basicQos(50);
  const found = [];
  await new Promise((resolve) => {
    channel.basicConsume(name, { noAck: false }, async (message) => {
      await message.ack();
      if (found.push(Number(message.bodyString())) === PUBLISHES) resolve();
    });
  });
  assert.deepEqual(found, [...Array(PUBLISHES).keys()]);
  await channel.close();
});

test("a full queue refuses, and what reaches nobody is returned", async () => {
  const channel = await connection.channel();
  const limits = { "x-max-length": 1, "x-overflow": "reject-publish" };
  const { name } = await channel.queueDeclare("", { exclusive: true }, limits);
  await channel.confirmSelect();
  await channel.basicPublish("", name, "taken");
  await assert.rejects(channel.basicPublish("", name, "too many"), /rejected/i);
  const returned = new Promise((resolve) => { channel.onReturn = resolve; });
  await channel.basicPublish("amq.direct", "nowhere", "lost", {}, true);
  assert.equal((await returned).replyCode, 312);
  await channel.close();
});

test("a transaction is seen when it is committed", async () => {
  const channel = await connection.channel();
  const { name } = await channel.queueDeclare("", { exclusive: true });
  await channel.txSelect();
  await channel.basicPublish("", name, "kept");
  assert.equal(await channel.basicGet(name), null);
  await channel.txCommit();
  assert.equal((await channel.basicGet(name, { noAck: true })).bodyString(), "kept");
  await channel.close();
});

test("a missing queue is an error of its channel", async () => {
  const channel = await connection.channel();
  await assert.rejects(channel.queueDeclare("missing", { passive: true }), /NOT_FOUND - no queue 'missing' in vhost '\/'/);
  const another = await connection.channel();
  assert.ok((await another.queueDeclare("", { exclusive: true })).name);
  await another.close();
});

test("a session calls by direct reply-to", async () => {
  const session = await AMQPSession.connect(process.env.AMQP_URL);
  const server = await session.rpcServer("node-rpc", async (message) => message.bodyString().toUpperCase());
  const reply = await session.rpcCall("node-rpc", "question", { timeout: 10_000 });
  assert.equal(reply.bodyString(), "QUESTION");
  await server.close();
  await session.stop();
});

test("a body of several frames comes back whole", async () => {
  const channel = await connection.channel();
  const { name } = await channel.queueDeclare("", { exclusive: true });
  const body = Buffer.alloc(1_000_003, "0123456789");
  await channel.basicPublish("", name, body);
  const message = await channel.basicGet(name, { noAck: true });
  assert.ok(Buffer.from(message.body).equals(body));
  await channel.close();
});
