// The page of one queue: why it grows, what is in it, and what can be done with it.

import { again, go, say } from "./app.js";
import { call, get, query, segment } from "./api.js";
import { bytes, confirmed, field, h, number, rate, table } from "./dom.js";
import { FORMS, octetsOf, shown } from "./payload.js";

const COUNT = 20;
const base = ([vhost, name]) => `queues/${segment(vhost)}/${segment(name)}`;

async function tried(promise, sentence) {
  try {
    const found = await promise;
    await again(typeof sentence === "function" ? sentence(found) : sentence);
  } catch (error) {
    say(error.message);
  }
}

function messageRow(message, form) {
  const text = h("pre", { tabindex: "0" }, "…");
  shown(octetsOf(message), form).then((found) => { text.textContent = found; });
  const cut = message.payload_bytes > 65536 ? h("p", { class: "faint" }, "The first 64 KiB are shown.") : null;
  return h("div", {}, text, cut);
}

function messages(found, at) {
  const form = at.query.form || "auto";
  const offset = Number(at.query.offset || 0);
  const forms = h("select", { onchange: (event) => go({ form: event.target.value }) },
    Object.entries(FORMS).map(([name, label]) => h("option", { value: name, selected: name === form }, label)));
  return [
    h("h2", {}, "Messages that wait"),
    h("div", { class: "bar" }, field("Payload", forms),
      h("button", { type: "button", disabled: offset <= 0, onclick: () => go({ offset: Math.max(0, offset - COUNT) }) }, "Earlier"),
      h("button", { type: "button", disabled: offset + COUNT >= found.messages_ready, onclick: () => go({ offset: offset + COUNT }) }, "Later"),
      h("span", { class: "faint" }, "Looking takes nothing and changes nothing.")),
    table({ caption: `${number(found.messages_ready)} wait`, rows: found.items, empty: "No messages.", columns: [
      { label: "#", key: "position", number: true },
      { label: "Exchange, key", show: (row) => `${row.exchange || "(default)"} ${row.routing_key}` },
      { label: "Published", show: (row) => new Date(row.received_at).toLocaleString() },
      { label: "Size", number: true, show: (row) => bytes(row.payload_bytes) },
      { label: "Again", show: (row) => (row.redelivered ? "yes" : "") },
      { label: "Properties", show: (row) => h("pre", { tabindex: "0" }, Array.isArray(row.properties) ? "" : JSON.stringify(row.properties, null, 1)) },
      { label: "Payload", show: (row) => messageRow(row, form) }] }),
  ];
}

function publishForm([vhost, name]) {
  const payload = h("textarea", { name: "payload", required: true });
  const properties = h("input", { name: "properties", value: '{"delivery_mode": 2}', size: 30 });
  return h("form", { class: "panel", onsubmit: (event) => {
    event.preventDefault();
    let given;
    try {
      given = JSON.parse(properties.value || "{}");
    } catch (error) {
      say(`The properties are no JSON: ${error.message}`);
      return;
    }
    const body = { properties: given, routing_key: name, payload: payload.value, payload_encoding: "string" };
    tried(call("POST", `exchanges/${segment(vhost)}/amq.default/publish`, body), "The message was published.");
  } }, h("h2", {}, "Publish to this queue"), field("Payload", payload), field("Properties (JSON)", properties),
    h("p", {}, h("button", { class: "first" }, "Publish")));
}

function moveForm([vhost, name], ready) {
  const destination = h("input", { name: "destination", required: true });
  const count = h("input", { name: "count", type: "number", min: 1, value: Math.max(1, ready) });
  return h("form", { class: "panel", onsubmit: async (event) => {
    event.preventDefault();
    if (!(await confirmed(`Move up to ${count.value} messages from ${name} to ${destination.value}?`, { verb: "Move" }))) return;
    await tried(call("POST", `mqbroker/${base([vhost, name])}/move`, { destination: destination.value, count: Number(count.value) }),
      (found) => `${number(found.moved)} messages were moved to ${destination.value}.`);
  } }, h("h2", {}, "Move messages"), field("To the queue", destination), field("So many at most", count),
    h("p", {}, h("button", { class: "first" }, "Move")));
}

function dangers([vhost, name], found) {
  const purge = async () => {
    if (await confirmed(`Purge ${name}: ${number(found.messages_ready)} messages are lost.`, { name, verb: "Purge" })) {
      await tried(call("DELETE", `${base([vhost, name])}/contents`), `Queue ${name} was purged.`);
    }
  };
  const remove = async () => {
    if (!(await confirmed(`Delete ${name} with ${number(found.messages)} messages?`, { name }))) return;
    try {
      await call("DELETE", base([vhost, name]));
      window.addEventListener("hashchange", () => say(`Queue ${name} was deleted.`), { once: true });
      location.hash = "/queues";
    } catch (error) {
      say(error.message);
    }
  };
  return h("p", { class: "bar" }, h("button", { type: "button", class: "bad", onclick: purge }, "Purge"),
    h("button", { type: "button", class: "bad", onclick: remove }, "Delete queue"));
}

export const queuePage = {
  label: "",
  title: ({ names }) => `Queue ${names[1]}`,
  load: async (at) => {
    const place = base(at.names);
    const wanted = query({ offset: at.query.offset || 0, count: COUNT, encoding: "base64" });
    const [found, bindings, waiting] = await Promise.all([get(place), get(`${place}/bindings`),
      get(`mqbroker/${place}/messages?${wanted}`).catch((error) => ({ messages_ready: 0, items: [], error: error.message }))]);
    return { found, bindings, waiting };
  },
  draw({ found, bindings, waiting }, at) {
    const stats = found.message_stats;
    const figures = [
      ["Ready", number(found.messages_ready)], ["Unacknowledged", number(found.messages_unacknowledged)],
      ["In", rate(stats.publish_details?.rate)], ["Out", rate(stats.deliver_get_details?.rate)],
      ["Acknowledged", rate(stats.ack_details?.rate)], ["Consumers", number(found.consumers)], ["Bytes", bytes(found.message_bytes)],
      ["Type", found.type], ["Policy", found.policy || "none"],
    ];
    return [
      h("h1", {}, `Queue ${found.name} in ${found.vhost}`),
      h("dl", { class: "figures" }, figures.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
      dangers(at.names, found),
      h("div", { class: "columns" }, publishForm(at.names), moveForm(at.names, found.messages_ready)),
      ...(waiting.error ? [h("p", { class: "error" }, waiting.error)] : messages(waiting, at)),
      h("h2", {}, "Consumers"),
      table({ caption: `${found.consumers} consume`, rows: found.consumer_details, empty: "Nobody consumes.", columns: [
        { label: "Tag", key: "consumer_tag" }, { label: "Channel", show: (row) => row.channel_details.name },
        { label: "User", show: (row) => row.channel_details.user }, { label: "Acknowledges", show: (row) => (row.ack_required ? "yes" : "no") },
        { label: "Prefetch", key: "prefetch_count", number: true }, { label: "State", key: "activity_status" }] }),
      h("h2", {}, "Bindings"),
      table({ caption: "What leads here", rows: bindings, columns: [
        { label: "Exchange", show: (row) => row.source || "(default)" }, { label: "Key", key: "routing_key" },
        { label: "Arguments", show: (row) => JSON.stringify(row.arguments) }] }),
      h("h2", {}, "Arguments"),
      h("pre", { tabindex: "0" }, JSON.stringify({ ...found.arguments, durable: found.durable, auto_delete: found.auto_delete,
        effective_policy: found.effective_policy_definition }, null, 2)),
    ];
  },
};
