// @stomp/stompjs over WebSocket: sends, receives, acknowledges, commits, and is told of errors.
import assert from "node:assert/strict";
import { once, EventEmitter } from "node:events";
import { Client } from "@stomp/stompjs";
import WebSocket from "ws";

const seen = new EventEmitter();
const client = new Client({
  brokerURL: process.env.AMQP_URL,
  connectHeaders: { login: "guest", passcode: "guest", host: "/" },
  reconnectDelay: 0,
  heartbeatIncoming: 1000,
  heartbeatOutgoing: 1000,
  webSocketFactory: () => new WebSocket(process.env.AMQP_URL, ["v12.stomp", "v11.stomp", "v10.stomp"]),
  onConnect: (frame) => seen.emit("connected", frame),
  onStompError: (frame) => seen.emit("refused", frame),
});
const queue = `/queue/stompjs-${process.pid}`;

client.activate();
const [connected] = await once(seen, "connected");
assert.equal(connected.headers.version, "1.2");
assert.equal(connected.headers["heart-beat"], "1000,1000");

client.subscribe(queue, (message) => seen.emit("message", message), { ack: "client-individual", id: "s" });
client.publish({ destination: queue, body: "hällo", headers: { own: "a:b\\x\ny", persistent: "true" } });
let [message] = await once(seen, "message");
assert.equal(message.body, "hällo");
assert.equal(message.headers.own, "a:b\\x\ny"); // it takes \\c for an escape, whatever stands before it
message.nack();
[message] = await once(seen, "message");
assert.equal(message.headers.redelivered, "true");
message.ack();

const octets = new Uint8Array([0, 1, 0, 255, 10]);
client.publish({ destination: queue, binaryBody: octets, headers: { "content-type": "application/octet-stream" } });
[message] = await once(seen, "message");
assert.deepEqual([...message.binaryBody], [...octets]);
message.ack();

const transaction = client.begin();
client.publish({ destination: queue, body: "x".repeat(200_000), headers: { transaction: transaction.id } });
transaction.commit();
[message] = await once(seen, "message");
assert.equal(message.body.length, 200_000);
message.ack();

client.watchForReceipt("sent", (frame) => seen.emit("receipt", frame));
client.publish({ destination: queue, body: "last", headers: { receipt: "sent" } });
await Promise.all([once(seen, "receipt"), once(seen, "message")]);

client.publish({ destination: "/foo/x", body: "" });
const [refused] = await once(seen, "refused");
assert.equal(refused.headers.message, "Unknown destination");
await client.deactivate();
process.exit(0);
