// Queues, exchanges and their bindings, connections, channels.

import { below, call, get, segment } from "./api.js";
import { act, bytes, choice, confirmed, field, form, h, input, link, number, rate, table, yes } from "./dom.js";
import { done, listPage } from "./listing.js";

const perSecond = (row, name) => rate(row.message_stats?.[`${name}_details`]?.rate);
const vhostField = () => field("Vhost", input("vhost", { value: "/", required: true }));

export const queues = listPage({
  label: "Queues",
  path: "queues",
  filters: [{ name: "no-consumers", label: "without a consumer" }, { name: "not-empty", label: "not empty" },
    { name: "unacked", label: "with unacked" }],
  columns: [
    { label: "Name", sort: "name", show: (row) => link(row.name, "queue", row.vhost, row.name) },
    { label: "Vhost", sort: "vhost", key: "vhost" },
    { label: "Type", sort: "type", key: "type" },
    { label: "Ready", sort: "messages_ready", key: "messages_ready", number: true },
    { label: "Unacked", sort: "messages_unacknowledged", key: "messages_unacknowledged", number: true },
    { label: "Total", sort: "messages", key: "messages", number: true },
    { label: "Growth", sort: "messages_details.rate", number: true, show: (row) => rate(row.messages_details?.rate) },
    { label: "Consumers", sort: "consumers", key: "consumers", number: true },
    { label: "In", sort: "message_stats.publish_details.rate", number: true, show: (row) => perSecond(row, "publish") },
    { label: "Out", sort: "message_stats.deliver_get_details.rate", number: true, show: (row) => perSecond(row, "deliver_get") },
    { label: "Bytes", sort: "message_bytes", number: true, show: (row) => bytes(row.message_bytes) },
    { label: "Policy", key: "policy" },
  ],
  more: () => [form("Declare a queue", [vhostField(), field("Name", input("name", { required: true })),
    field("Type", choice("kind", ["classic", "quorum"]))], ({ vhost, name, kind }) =>
    done(call("PUT", below("queues", vhost, name), { durable: true, arguments: { "x-queue-type": kind } }),
      `Queue ${name} was declared.`))],
});

// --- exchanges --------------------------------------------------------------------------------------------------------

export const exchanges = listPage({
  label: "Exchanges",
  path: "exchanges",
  columns: [
    { label: "Name", sort: "name", show: (row) => (row.name ? link(row.name, "exchange", row.vhost, row.name) : "(default)") },
    { label: "Vhost", sort: "vhost", key: "vhost" },
    { label: "Type", sort: "type", key: "type" },
    { label: "Durable", show: (row) => yes(row.durable) },
    { label: "Internal", show: (row) => yes(row.internal) },
    { label: "Published", number: true, show: (row) => row.message_stats.publish_in || 0 },
    { label: "Routed", number: true, show: (row) => row.message_stats.publish_out || 0 },
    { label: "Action", show: (row) => (row.name && !row.name.startsWith("amq.") ? act("Delete", async () => {
      if (await confirmed(`Delete the exchange ${row.name} in ${row.vhost}, with its bindings?`)) {
        await done(call("DELETE", below("exchanges", row.vhost, row.name)), `Exchange ${row.name} was deleted.`);
      }
    }, "bad") : "") },
  ],
  more: () => [form("Declare an exchange", [vhostField(), field("Name", input("name", { required: true })),
    field("Type", choice("kind", ["direct", "fanout", "topic", "headers", "x-consistent-hash"]))], ({ vhost, name, kind }) =>
    done(call("PUT", below("exchanges", vhost, name), { type: kind, durable: true }),
      `Exchange ${name} was declared.`))],
});

export function bindingRows(caption, rows, label, end) {
  return table({ caption, rows, empty: "No bindings.", columns: [
    { label, show: end },
    { label: "Key", key: "routing_key" },
    { label: "Arguments", show: (row) => (Object.keys(row.arguments).length ? JSON.stringify(row.arguments) : "") },
    { label: "Action", show: (row) => unbind(row) }] });
}

export const bindingPath = (row) => below("bindings", row.vhost, "e", row.source, row.destination_type === "queue" ? "q" : "e", row.destination);

function unbind(row) {
  if (!row.source) return "";
  return act("Unbind", async () => {
    if (!(await confirmed(`Take away the binding of ${row.destination} to ${row.source} with the key “${row.routing_key}”?`, { verb: "Unbind" }))) return;
    const back = { routing_key: row.routing_key, arguments: row.arguments };
    await done(call("DELETE", `${bindingPath(row)}/${segment(row.properties_key)}`), "The binding is gone.",
      () => () => done(call("POST", bindingPath(row), back), "The binding is there again."));
  }, "bad");
}

const endOf = (row) => (row.destination_type === "queue" ? link(row.destination, "queue", row.vhost, row.destination)
  : link(row.destination, "exchange", row.vhost, row.destination));

export const exchangePage = {
  label: "Exchange",
  part: "exchanges",
  title: ({ names }) => `Exchange ${names[1]}`,
  load: async ({ names: [vhost, name] }) => {
    const place = below("exchanges", vhost, name);
    const [found, outgoing, incoming] = await Promise.all([get(place), get(`${place}/bindings/source`), get(`${place}/bindings/destination`)]);
    return { found, outgoing, incoming };
  },
  draw: ({ found, outgoing, incoming }) => [
    h("h1", {}, `Exchange ${found.name} in ${found.vhost}`),
    h("p", {}, `A ${found.durable ? "durable " : ""}${found.type} exchange${found.internal ? ", internal" : ""}: `,
      `${number(found.message_stats.publish_in || 0)} messages in, ${number(found.message_stats.publish_out || 0)} out.`),
    form("Bind something to it", [
      field("To a", choice("kind", ["queue", "exchange"])), field("Name", input("name", { required: true })),
      field("Routing key", input("key")), field("Arguments (JSON)", input("arguments", { placeholder: "{}" }))],
    ({ kind, name, key, arguments: text }) => done((async () => call("POST",
      bindingPath({ vhost: found.vhost, source: found.name, destination_type: kind, destination: name }),
      { routing_key: key, arguments: text ? JSON.parse(text) : {} }))(), `${name} is bound to ${found.name}.`), { verb: "Bind" }),
    h("h2", {}, "Where messages go"),
    bindingRows("Bindings from this exchange", outgoing, "To", endOf),
    h("h2", {}, "Where messages come from"),
    bindingRows("Bindings of this exchange to others", incoming, "From", (row) => link(row.source, "exchange", row.vhost, row.source)),
    found.arguments && Object.keys(found.arguments).length ? h("pre", { tabindex: "0" }, JSON.stringify(found.arguments, null, 2)) : null,
  ].filter(Boolean),
};

// --- connections and channels -----------------------------------------------------------------------------------------

export async function disconnect(name, user) {
  const given = await confirmed(`End the connection ${name} of ${user}?`, { verb: "End it", ask: "Reason, which the client is told" });
  if (given) {
    await done(call("DELETE", `connections/${segment(name)}`, undefined, given.text ? { "X-Reason": given.text } : {}), `Connection ${name} is told to end.`);
  }
}

export const connections = listPage({
  label: "Connections",
  path: "connections",
  columns: [
    { label: "Name", sort: "name", show: (row) => (row.user_provided_name ? `${row.user_provided_name} (${row.name})` : row.name) },
    { label: "User", sort: "user", key: "user" },
    { label: "Vhost", sort: "vhost", key: "vhost" },
    { label: "Protocol", sort: "protocol", key: "protocol" },
    { label: "TLS", show: (row) => yes(row.ssl) },
    { label: "State", sort: "state", key: "state" },
    { label: "Channels", sort: "channels", key: "channels", number: true },
    { label: "Received", sort: "recv_oct", number: true, show: (row) => bytes(row.recv_oct) },
    { label: "Sent", sort: "send_oct", number: true, show: (row) => bytes(row.send_oct) },
    { label: "Action", show: (row) => act("Close", () => disconnect(row.name, row.user), "bad") },
  ],
});

export const channels = listPage({
  label: "Channels",
  path: "channels",
  columns: [
    { label: "Name", sort: "name", key: "name" },
    { label: "User", sort: "user", key: "user" },
    { label: "Vhost", sort: "vhost", key: "vhost" },
    { label: "Consumers", sort: "consumer_count", key: "consumer_count", number: true },
    { label: "Unacked", sort: "messages_unacknowledged", key: "messages_unacknowledged", number: true },
    { label: "Prefetch", sort: "prefetch_count", key: "prefetch_count", number: true },
    { label: "Confirms", show: (row) => yes(row.confirm) },
    { label: "Transactions", show: (row) => yes(row.transactional) },
  ],
});
