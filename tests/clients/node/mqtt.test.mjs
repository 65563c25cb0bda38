// MQTT.js over TCP, TLS or WebSocket. The broker's address is in AMQP_URL, the level of the protocol after a `?`.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import mqtt from "mqtt";

const [url, level] = process.env.AMQP_URL.split("?");
const protocolVersion = Number(level);
const protocolId = protocolVersion === 3 ? "MQIsdp" : "MQTT";
const PUBLISHES = 1000;
let client;

const connect = (options = {}) => mqtt.connectAsync(url, {
  protocolVersion, protocolId, username: "guest", password: "guest", reconnectPeriod: 0, ...options,
});

before(async () => {
  client = await connect({ clientId: `node-${process.pid}` });
});

after(() => client.endAsync());

// What arrives on a topic, until there are `count`.
const collect = (topic, count) => new Promise((resolve) => {
  const found = [];
  client.on("message", (name, payload, packet) => {
    if (name === topic && found.push({ payload, packet }) === count) resolve(found);
  });
});

for (const qos of [0, 1, 2]) {
  test(`every publish of QoS ${qos} comes once and in order`, async () => {
    const topic = `node/${process.pid}/${qos}`;
    await client.subscribeAsync(topic, { qos });
    const arrived = collect(topic, PUBLISHES);
    await Promise.all(Array.from({ length: PUBLISHES }, (_, number) => client.publishAsync(topic, `${number}`, { qos })));
    const found = await arrived;
    assert.deepEqual(found.map(({ payload }) => Number(payload)), [...Array(PUBLISHES).keys()]);
    assert.ok(found.every(({ packet }) => packet.qos === qos && !packet.dup));
    await client.unsubscribeAsync(topic);
  });
}

test("a retained message meets who subscribes later", async () => {
  const topic = `node/${process.pid}/retained`;
  await client.publishAsync(topic, "kept", { qos: 1, retain: true });
  const arrived = collect(topic, 1);
  await client.subscribeAsync(`node/${process.pid}/+`, { qos: 1 });
  const [{ payload, packet }] = await arrived;
  assert.equal(payload.toString(), "kept");
  assert.ok(packet.retain);
  await client.unsubscribeAsync(`node/${process.pid}/+`);
  await client.publishAsync(topic, "", { qos: 1, retain: true });
});

test("a payload larger than any buffer on the way comes whole", async () => {
  const topic = `node/${process.pid}/large`;
  const body = Buffer.alloc(3_000_001, "0123456789");
  await client.subscribeAsync(topic, { qos: 1 });
  const arrived = collect(topic, 1);
  await client.publishAsync(topic, body, { qos: 1 });
  assert.ok((await arrived)[0].payload.equals(body));
  await client.unsubscribeAsync(topic);
});

test("the will of a client that vanishes is published", async () => {
  const topic = `node/${process.pid}/will`;
  await client.subscribeAsync(topic, { qos: 1 });
  const arrived = collect(topic, 1);
  const dying = await connect({ clientId: `dying-${process.pid}`, will: { topic, payload: "gone", qos: 1 } });
  dying.on("error", () => {});
  dying.stream.destroy();
  assert.equal((await arrived)[0].payload.toString(), "gone");
  await client.unsubscribeAsync(topic);
});

test("a wrong password is refused", async () => {
  await assert.rejects(connect({ password: "wrong" }), /not authorized|bad user ?name/i);
});

test("a clean end is an end", async () => {
  const other = await connect({ clientId: `other-${process.pid}` });
  const closed = once(other, "close");
  await other.endAsync();
  await closed;
});
