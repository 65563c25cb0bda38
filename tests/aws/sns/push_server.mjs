// Stands for APNs, FCM, ADM, Baidu, WNS and MPNS: a server of HTTP/2 over TLS that prints each request as a line of JSON. What it answers depends
// on the token of the device. Arguments: the files of its certificate and key.
import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";

const [cert, key] = process.argv.slice(2).map((path) => readFileSync(path));
const server = createSecureServer({ cert, key, requestCert: true, rejectUnauthorized: false });
const seen = new Set();
let connections = 0;

function first(token) {
  const isFirst = !seen.has(token);
  seen.add(token);
  return isFirst;
}

function apple(token) {
  if (token.startsWith("gone")) return [410, { reason: "Unregistered", timestamp: 1 }];
  if (token.startsWith("bad")) return [400, { reason: "BadDeviceToken" }];
  if (token.startsWith("empty")) return [400, { reason: "PayloadEmpty" }];
  if (token.startsWith("busy") && first(token)) return [503, { reason: "ServiceUnavailable" }];
  if (token.startsWith("old") && first(token)) return [403, { reason: "ExpiredProviderToken" }];
  return [200, null];
}

function google(token) {
  const error = (status, details) => [status, { error: { code: status, message: "said so", details } }];
  if (token.startsWith("gone")) return error(404, [{ errorCode: "UNREGISTERED" }]);
  if (token.startsWith("bad")) return error(400, [{ fieldViolations: [{ field: "message.token" }] }]);
  if (token.startsWith("empty")) return error(400, [{ fieldViolations: [{ field: "message.data" }] }]);
  if (token.startsWith("odd")) return error(400, null);
  if (token.startsWith("old") && first(`google ${token}`)) return error(401, []);
  return [200, { name: "projects/p/messages/1" }];
}

function amazon(token) {
  if (token.startsWith("gone")) return [400, { reason: "Unregistered" }];
  if (token.startsWith("bad")) return [400, { reason: "InvalidRegistrationId" }];
  if (token.startsWith("empty")) return [400, { reason: "InvalidData" }];
  if (token.startsWith("old") && first(`amazon ${token}`)) return [401, { reason: "AccessTokenExpired" }];
  return [200, { registrationID: token }];
}

function baidu(token) {
  if (/^(gone|bad)/.test(token)) return [400, { error_code: 30608, error_msg: "not bound" }];
  if (token.startsWith("empty")) return [400, { error_code: 30602, error_msg: "params not valid" }];
  return [200, { request_id: 1, response_params: { msg_id: "1" } }];
}

function microsoft(path) {
  const token = path.split("/").pop();
  if (token.startsWith("gone")) return [410, null];
  if (token.startsWith("bad")) return [404, null];
  if (token.startsWith("empty")) return [400, null];
  if (token.startsWith("old") && first(path)) return [401, null];
  return [200, null];
}

function answer(path, body) {
  if (path === "/auth/O2/token" || path === "/wns-token") {
    return [200, { access_token: `access-${path}`, expires_in: "86400", token_type: "bearer" }];
  }
  if (path.startsWith("/messaging/")) return amazon(path.split("/")[3]);
  if (path.startsWith("/rest/")) return baidu(new URLSearchParams(body).get("channel_id"));
  if (/^\/(wns|mpns)\//.test(path)) return microsoft(path);
  if (path === "/token") return [200, { access_token: `access-${connections}`, expires_in: 3600 }];
  if (path.startsWith("/3/device/")) return apple(path.slice("/3/device/".length));
  return google(JSON.parse(body).message.token);
}

server.on("session", (session) => { session.number = ++connections; });
server.on("stream", (stream, headers) => {
  let body = "";
  stream.setEncoding("utf8");
  stream.on("data", (data) => { body += data; });
  stream.on("end", () => {
    const path = headers[":path"];
    const { CN: client = null } = stream.session.socket.getPeerCertificate().subject ?? {};
    console.log(JSON.stringify({ path, headers: { ...headers }, body, connection: stream.session.number, client }));
    const [status, document] = answer(path, body);
    stream.respond({ ":status": status, "content-type": "application/json" });
    stream.end(document === null ? "" : JSON.stringify(document));
  });
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
