// The page of one queue: why it grows, what is in it, and what can be done with it.

import { again, go, say, user } from "./app.js";
import { below, call, get, query, segment } from "./api.js";
import { act, bytes, chart, confirmed, field, figures, form, h, input, link, number, rate, span, table, when, yes } from "./dom.js";
import { done, gone } from "./listing.js";
import { bindingPath, bindingRows } from "./lists.js";
import { formChoice, payload } from "./payload.js";

const COUNT = 20;
const SEEN_MAX = 720;
const base = (names) => below("queues", ...names);

// What was seen of a queue while its page was open, for its charts; and what was published last, to publish it again.
const seen = { place: "", points: [] };
let last = { payload: "", properties: '{"delivery_mode": 2}' };
const chosen = new Set();

// --- messages -------------------------------------------------------------------------------------------------------

function causeOf(row) {
  const deaths = row.properties?.headers?.["x-death"];
  const first = Array.isArray(deaths) && deaths.length ? deaths[deaths.length - 1] : null;
  return first ? `${first.reason} in ${first.queue}${first.count > 1 ? `, ${number(first.count)} times` : ""}` : "";
}

function pick(row) {
  const box = h("input", { type: "checkbox", "aria-label": `Choose message ${row.id}`, checked: chosen.has(row.id) });
  box.addEventListener("change", () => {
    if (box.checked) chosen.add(row.id);
    else chosen.delete(row.id);
    counted();
  });
  return box;
}

function counted() {
  const place = document.querySelector("#chosen");
  if (place) place.textContent = chosen.size ? `${number(chosen.size)} chosen` : "";
}

function pickAll(rows) {
  const box = h("input", { type: "checkbox", "aria-label": "Choose all that are shown", checked: rows.length > 0 && rows.every((row) => chosen.has(row.id)) });
  box.addEventListener("change", () => {
    rows.forEach((row) => (box.checked ? chosen.add(row.id) : chosen.delete(row.id)));
    document.querySelectorAll("td input[type=checkbox]").forEach((each) => { each.checked = box.checked; });
    counted();
  });
  return box;
}

async function deleteOne(names, row) {
  if (!(await confirmed(`Delete message ${number(row.id)} of ${names[1]}, ${bytes(row.payload_bytes)}? It is lost.`))) return;
  chosen.delete(row.id);
  await done(call("DELETE", `mqbroker/${base(names)}/messages/${row.id}`), "The message is gone.");
}

function messages(found, at) {
  const formChosen = at.query.form || "auto";
  const offset = Number(at.query.offset || 0);
  const isSearch = Boolean(at.query.text);
  const search = h("input", { id: "search", type: "search", value: at.query.text || "", size: 24, placeholder: "in bodies, keys, headers" });
  const hasDeaths = found.items.some((row) => causeOf(row));
  return [
    h("h2", {}, "Messages that wait"),
    h("form", { class: "bar", role: "search", onsubmit: (event) => { event.preventDefault(); go({ text: search.value, offset: "" }); } },
      field("Search messages", search), h("button", {}, "Search"), formChoice(formChosen, (value) => go({ form: value })),
      h("span", { id: "chosen", role: "status" }, chosen.size ? `${number(chosen.size)} chosen` : ""), h("span", { class: "space" }),
      h("button", { type: "button", disabled: offset <= 0, onclick: () => go({ offset: isSearch ? "" : Math.max(0, offset - COUNT) }) }, isSearch ? "From the front" : "Earlier"),
      h("button", { type: "button", disabled: found.next_offset >= found.messages_ready, onclick: () => go({ offset: found.next_offset }) }, isSearch ? "Search on" : "Later"),
      h("span", { class: "faint" }, "Looking takes nothing and changes nothing.")),
    table({ caption: isSearch ? `${number(found.items.length)} found among the first ${number(found.next_offset)} of ${number(found.messages_ready)}` : `${number(found.messages_ready)} wait`,
      rows: found.items, empty: isSearch ? "Not found here." : "No messages.", columns: [
        { label: "#", key: "position", number: true },
        { label: pickAll(found.items), show: pick },
        { label: "Exchange, key", show: (row) => `${row.exchange || "(default)"} ${row.routing_key}` },
        { label: "Published", show: (row) => when(row.received_at) },
        { label: "Size", number: true, show: (row) => bytes(row.payload_bytes) },
        { label: "Again", show: (row) => yes(row.redelivered) },
        ...(hasDeaths ? [{ label: "Died", show: causeOf }] : []),
        { label: "Properties", show: (row) => (Array.isArray(row.properties) ? "" : h("details", {}, h("summary", {}, Object.keys(row.properties).join(", ")),
          h("pre", { tabindex: "0" }, JSON.stringify(row.properties, null, 1)))) },
        { label: "Payload", show: (row) => payload(row, formChosen) },
        { label: "Action", show: (row) => act("Delete", () => deleteOne(at.names, row), "bad") }] }),
  ];
}

// --- what can be done -----------------------------------------------------------------------------------------------

function publishForm([vhost, name]) {
  return form("Publish to this queue", [field("Payload", h("textarea", { name: "payload", required: true }, last.payload)),
    field("Properties (JSON)", input("properties", { value: last.properties, size: 30 }))], (given) => {
    last = given;
    let properties;
    try {
      properties = JSON.parse(given.properties || "{}");
    } catch (error) {
      say(`The properties are no JSON: ${error.message}`);
      return;
    }
    const body = { properties, routing_key: name, payload: given.payload, payload_encoding: "string" };
    done(call("POST", `exchanges/${segment(vhost)}/amq.default/publish`, body), "The message was published.");
  }, { verb: "Publish", inline: false, isOpen: true });
}

const moveCall = ([vhost, name], body) => call("POST", `mqbroker/${base([vhost, name])}/move`, body);

// Moves back what a move has moved, by the ids that it has now.
function movedBack([vhost, name], destination, found) {
  if (!found.ids || !found.ids.length || found.ids.length > 1000) return null;
  return () => done(moveCall([vhost, destination], { destination: name, ids: found.ids }), (back) => `${number(back.moved)} messages are back in ${name}.`);
}

function moveForm(names, ready) {
  const only = chosen.size ? [...chosen] : null;
  return form("Move or copy messages", [field("To the queue", input("destination", { required: true })),
    field("So many at most", input("count", { type: "number", min: 1, value: Math.max(1, ready) })),
    h("label", { class: "check" }, input("only", { type: "checkbox", checked: Boolean(only) }), "only the chosen ones"),
    h("label", { class: "check" }, input("copy", { type: "checkbox" }), "copy, and leave them here")],
  async (given) => {
    const body = { destination: given.destination, copy: Boolean(given.copy) };
    if (given.only) body.ids = [...chosen];
    else body.count = Number(given.count);
    const what = given.only ? `the ${number(chosen.size)} chosen messages` : `up to ${given.count} messages`;
    const verb = given.copy ? "Copy" : "Move";
    if (!(await confirmed(`${verb} ${what} from ${names[1]} to ${given.destination}?`, { verb }))) return;
    const isDone = await done(moveCall(names, body),
      (found) => `${number(found.moved)} messages were ${given.copy ? "copied" : "moved"} to ${given.destination}.`,
      (found) => (given.copy ? null : movedBack(names, given.destination, found)));
    if (isDone) chosen.clear();
  }, { verb: "Move", isOpen: true });
}

function redriveBack([vhost, name], found) {
  const parts = Object.entries(found.ids || {});
  if (!parts.length || parts.some(([, ids]) => ids.length > 1000)) return null;
  return async () => {
    let count = 0;
    for (const [queue, ids] of parts) {
      try {
        count += (await moveCall([vhost, queue], { destination: name, ids })).moved;
      } catch (error) {
        say(error.message);
      }
    }
    await again(`${number(count)} messages are back in ${name}.`);
  };
}

async function redrive(names, found) {
  if (!(await confirmed(`Send up to ${number(found.messages_ready)} dead letters back to the queues where they died?`, { verb: "Redrive" }))) return;
  await done(call("POST", `mqbroker/${base(names)}/redrive`, {}),
    (moved) => `${number(moved.moved)} went back${moved.left ? `, ${number(moved.left)} stay: they do not say where they died` : ""}.`,
    (moved) => redriveBack(names, moved));
}

function dangers(names, found, hasLetters) {
  const [, name] = names;
  const purge = async () => {
    if (await confirmed(`Purge ${name}: ${number(found.messages_ready)} messages are lost.`, { name, verb: "Purge" })) {
      await done(call("DELETE", `${base(names)}/contents`), `Queue ${name} was purged.`);
    }
  };
  const remove = async () => {
    if (!(await confirmed(`Delete ${name} with ${number(found.messages)} messages?`, { name }))) return;
    await gone(call("DELETE", base(names)), "/queues", `Queue ${name} was deleted.`);
  };
  const isPaused = found.state === "paused";
  const pause = () => done(call("POST", `mqbroker/${base(names)}/${isPaused ? "resume" : "pause"}`, {}),
    isPaused ? `Consumers of ${name} go on.` : `Consumers of ${name} wait until it is resumed; it goes on to take messages.`);
  return h("p", { class: "bar" }, act(isPaused ? "Resume consumers" : "Pause consumers", pause, isPaused ? "first" : ""), hasLetters ? act("Redrive dead letters", () => redrive(names, found)) : null,
    act("Purge", purge, "bad"), act("Delete queue", remove, "bad"));
}

// --- the page -------------------------------------------------------------------------------------------------------

function note(found, names) {
  const place = names.join("\u0000");
  if (seen.place !== place) {
    seen.place = place;
    seen.points = [];
    chosen.clear();
  }
  const stats = found.message_stats;
  seen.points.push({ at: Date.now(), ready: found.messages_ready, unacked: found.messages_unacknowledged,
    in: stats.publish_details?.rate || 0, out: stats.deliver_get_details?.rate || 0 });
  if (seen.points.length > SEEN_MAX) seen.points.shift();
}

function charts() {
  if (seen.points.length < 2) return null;
  const line = (label, name) => ({ label, points: seen.points.map((point) => [point.at, point[name]]) });
  return h("div", { class: "charts" }, chart("Messages", [line("ready", "ready"), line("unacknowledged", "unacked")]),
    chart("Messages in a second", [line("in", "in"), line("out", "out")], rate));
}

function consumers(found) {
  return table({ caption: `${number(found.consumers)} consume`, rows: found.consumer_details, empty: "Nobody consumes.", columns: [
    { label: "Tag", key: "consumer_tag" }, { label: "Channel", show: (row) => row.channel_details.name },
    { label: "User", show: (row) => row.channel_details.user }, { label: "Acknowledges", show: (row) => (row.ack_required ? "yes" : "no") },
    { label: "Holds unacked", key: "messages_unacknowledged", number: true },
    { label: "Prefetch", key: "prefetch_count", number: true }, { label: "State", key: "activity_status" }] });
}

function heldOnes(held, at) {
  if (!held.items.length) return [];
  return [table({ caption: `Unacknowledged: ${number(held.items.length)} of ${number(held.messages_unacknowledged)}`, rows: held.items, columns: [
    { label: "Consumer", key: "consumer_tag" }, { label: "Channel", key: "channel" }, { label: "User", key: "user" },
    { label: "Exchange, key", show: (row) => `${row.exchange || "(default)"} ${row.routing_key}` },
    { label: "Published", show: (row) => when(row.received_at) },
    { label: "Held at least", number: true, show: (row) => span(Math.floor(row.held_ms / 1000)) },
    { label: "Again", show: (row) => yes(row.redelivered) },
    { label: "Payload", show: (row) => payload(row, at.query.form || "auto") }] })];
}

export const queuePage = {
  label: "Queue",
  part: "queues",
  title: ({ names }) => `Queue ${names[1]}`,
  load: async (at) => {
    const place = base(at.names);
    const wanted = query({ offset: at.query.offset || 0, count: COUNT, encoding: "base64", text: at.query.text });
    const [found, bindings, held, waiting] = await Promise.all([get(place), get(`${place}/bindings`),
      get(`mqbroker/${place}/unacked?${query({ count: COUNT, encoding: "base64" })}`).catch(() => ({ items: [] })),
      get(`mqbroker/${place}/messages?${wanted}`).catch((error) => ({ messages_ready: 0, items: [], error: error.message }))]);
    return { found, bindings, held, waiting };
  },
  draw({ found, bindings, held, waiting }, at) {
    note(found, at.names);
    const stats = found.message_stats;
    return [
      h("h1", {}, `Queue ${found.name} in ${found.vhost}`),
      figures([
        ["Ready", number(found.messages_ready)], ["Unacked", number(found.messages_unacknowledged)],
        ["Growth", rate(found.messages_details.rate)], ["In", rate(stats.publish_details?.rate)], ["Out", rate(stats.deliver_get_details?.rate)],
        ["Acknowledged", rate(stats.ack_details?.rate)], ["Consumers", number(found.consumers)], ["Bytes", bytes(found.message_bytes)],
        ["Type", found.type], ["State", found.state], ["Policy", found.policy || "none"]]),
      dangers(at.names, found, waiting.items.some((row) => causeOf(row))),
      charts(),
      ...(waiting.error ? [h("p", { class: "error" }, waiting.error)] : messages(waiting, at)),
      h("div", { class: "columns" }, publishForm(at.names), moveForm(at.names, found.messages_ready)),
      h("h2", {}, "Consumers"),
      consumers(found),
      ...heldOnes(held, at),
      h("h2", {}, "Bindings"),
      bindingRows("What leads here", bindings, "Exchange", (row) => (row.source ? link(row.source, "exchange", row.vhost, row.source) : "(default)")),
      form("Bind it to an exchange", [field("Exchange", input("source", { required: true })), field("Routing key", input("key"))],
        ({ source, key }) => done(call("POST", bindingPath({ vhost: found.vhost, source, destination_type: "queue", destination: found.name }), { routing_key: key, arguments: {} }),
          `${found.name} is bound to ${source}.`), { verb: "Bind" }),
      h("h2", {}, "Arguments"),
      h("pre", { tabindex: "0" }, JSON.stringify({ ...found.arguments, durable: found.durable, auto_delete: found.auto_delete,
        effective_policy: found.effective_policy_definition }, null, 2)),
      user()?.tags.includes("administrator") ? h("p", {}, h("a", { href: `#/audit?${query({ object: found.name })}` }, "Who changed this queue"), " · ",
        h("a", { href: `#/events?${query({ text: found.name })}` }, "its events")) : null,
    ].filter(Boolean);
  },
};
