// mqtt with the addresses of both nodes of a pair, whose active one goes away: it ends well once messages are
// acknowledged again. The ports are in AMQP_URL, with a comma between them.
import mqtt from "mqtt";

const servers = process.env.AMQP_URL.split(",").map((port) => ({ protocol: "mqtt", host: "127.0.0.1", port: Number(port) }));
const client = mqtt.connect({
  servers, username: "guest", password: "guest", protocolVersion: 5, clean: false, clientId: "node-pair",
  properties: { sessionExpiryInterval: 3600 }, reconnectPeriod: 100,
});
let wasLost = false;
client.on("close", () => { wasLost = true; });
client.on("error", (error) => console.log(String(error)));
for (let number = 0; ; number++) {
  await client.publishAsync("node/pair", String(number), { qos: 1 });
  if (number === 10) { console.log("works"); wasLost = false; }
  if (number > 10 && wasLost && client.connected) break;
  await new Promise((done) => setTimeout(done, 20));
}
console.log("works again");
await client.endAsync();
