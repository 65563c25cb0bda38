// Sessions of MQTT, of clients that are away too, and the tree of retained topics.

import { go } from "./app.js";
import { below, call, get, query, segment } from "./api.js";
import { act, bytes, confirmed, figures, h, link, number, span, table, when, yes } from "./dom.js";
import { disconnect } from "./lists.js";
import { MONITORS, done, gone, listPage, pager, searchBar } from "./listing.js";
import { payloadView } from "./payload.js";

const SESSIONS = "mqbroker/views/mqtt/sessions";
const RETAINED = "mqbroker/views/mqtt/retained";

export const mqtt = listPage({
  label: "MQTT sessions",
  tag: MONITORS,
  path: SESSIONS,
  view: "mqtt/sessions",
  placeholder: "client id",
  columns: [
    { label: "Client id", sort: "name", show: (row) => link(row.name, "mqtt-session", row.vhost, row.name) },
    { label: "User", sort: "user", key: "user" },
    { label: "Vhost", sort: "vhost", key: "vhost" },
    { label: "Connected", sort: "connected", show: (row) => (row.connected ? row.protocol : "away") },
    { label: "Subscriptions", sort: "subscriptions", key: "subscriptions", number: true },
    { label: "Queued", sort: "queued", key: "queued", number: true },
    { label: "In flight", sort: "in_flight", key: "in_flight", number: true },
    { label: "Ends in", sort: "ends_in_s", number: true, show: (row) => (row.connected ? "" : row.expiry_s === null ? "never" : span(row.ends_in_s)) },
    { label: "Will", show: (row) => yes(row.has_will) },
  ],
});

export const mqttSession = {
  label: "MQTT session",
  part: "mqtt",
  title: ({ names }) => `MQTT session ${names[1]}`,
  load: ({ names: [vhost, name] }) => get(below(SESSIONS, vhost, name)),
  draw: (found) => [
    h("h1", {}, `MQTT session ${found.name} in ${found.vhost}`),
    figures([["User", found.user || "none"], ["Client", found.connected ? found.protocol : "away"], ["Queued", number(found.queued)],
      ["In flight", number(found.in_flight)], ["Expiry", found.expiry_s === null ? "never" : span(found.expiry_s)], ["Will", yes(found.has_will) || "no"]]),
    h("p", { class: "bar" }, found.connected ? act("Disconnect", () => disconnect(found.connection, found.user), "bad") : null,
      act("End the session", async () => {
        if (!(await confirmed(`End the session of ${found.name}? ${number(found.queued)} messages that wait for it are lost.`, { name: found.name, verb: "End it" }))) return;
        await gone(call("DELETE", below(SESSIONS, found.vhost, found.name)), "/mqtt", `The session of ${found.name} has ended.`);
      }, "bad")),
    table({ caption: "Subscriptions", rows: found.subscription_list, empty: "It has subscribed to nothing.", columns: [
      { label: "Filter", key: "filter" }, { label: "QoS", number: true, key: "qos" }, { label: "No local", show: (row) => yes(row.no_local) },
      { label: "Retain as published", show: (row) => yes(row.retain_as_published) },
      { label: "Identifier", number: true, show: (row) => row.identifier || "" }, { label: "Refused now", show: (row) => yes(row.denied) }] }),
    h("p", {}, "Its queues: ", found.queues.length ? found.queues.map((name) => [link(name, "queue", found.vhost, name), " "]).flat() : "none"),
  ],
};

// --- retained topics --------------------------------------------------------------------------------------------------

function crumbs(level) {
  const parts = level ? level.split("/") : [];
  const upTo = (end) => parts.slice(0, end).join("/");
  return h("p", { class: "crumbs" }, h("a", { href: "#/retained" }, "all topics"),
    parts.map((part, index) => [" / ", h("a", { href: `#/retained?${query({ level: upTo(index + 1) })}` }, part || "(empty)")]).flat());
}

async function clear(row) {
  const isBranch = row.below > 0;
  const what = isBranch ? `${number(row.count)} retained messages at and below ${row.name}` : `what is retained at ${row.name}`;
  if (!(await confirmed(`Clear ${what} in ${row.vhost}?`, { name: row.name, verb: "Clear" }))) return;
  await done(call("DELETE", `${below(RETAINED, row.vhost, row.name)}${isBranch ? "?branch=true" : ""}`),
    (found) => (found ? `${number(found.deleted)} retained messages are gone.` : "The retained message is gone."));
}

export const retained = {
  label: "Retained topics",
  isStill: true,
  view: "mqtt/retained",
  tag: MONITORS,
  title: () => "Retained topics",
  load: async ({ query: wanted }) => {
    const level = wanted.level || "";
    const search = wanted.name;
    const found = await get(`${RETAINED}?${query({ name: search, page: wanted.page || 1, page_size: 100 })}${search ? "" : `&level=${segment(level)}`}`);
    const message = wanted.topic ? await get(below(RETAINED, wanted.vhost, wanted.topic)).catch((error) => ({ error: error.message })) : null;
    return { found, message };
  },
  draw({ found, message }, { query: wanted }) {
    const isSearch = Boolean(wanted.name);
    const rows = found.items.map((row) => (isSearch ? { ...row, count: 1, below: 0, is_leaf: true } : row));
    const shownName = (row) => (isSearch ? row.name : row.name.slice(wanted.level ? wanted.level.length + 1 : 0));
    return [
      h("h1", {}, "Retained topics"),
      searchBar({ label: "Search all topics", value: wanted.name, size: 30, placeholder: "part of a topic",
        ask: (name) => go({ name, page: "", level: "" }) }, pager(found)),
      isSearch ? null : crumbs(wanted.level || ""),
      table({ caption: `${number(found.filtered_count)} ${isSearch ? "topics match" : "at this level"}`, rows, empty: "Nothing is retained here.", columns: [
        { label: "Topic", show: (row) => (row.below > 0 ? h("a", { href: `#/retained?${query({ level: row.name })}` }, `${shownName(row) || "(empty)"}/`) : shownName(row) || "(empty)") },
        { label: "Vhost", key: "vhost" },
        { label: "Topics", number: true, key: "count" },
        { label: "Message", show: (row) => (row.is_leaf ? act("Show", () => go({ topic: row.name, vhost: row.vhost })) : "") },
        { label: "Action", show: (row) => act(row.below > 0 ? "Clear the branch" : "Clear", () => clear(row), "bad") }] }),
      message ? messagePanel(message, wanted) : null,
    ].filter(Boolean);
  },
};

function messagePanel(message, wanted) {
  if (message.error) return h("p", { class: "error" }, message.error);
  return h("section", { class: "panel" }, h("h2", {}, `Retained at ${message.name}`),
    h("p", { class: "faint" }, `${bytes(message.payload_bytes)}, published ${when(message.retained_at)}`,
      message.expires_in_s === null ? "" : `, expires in ${span(message.expires_in_s)}`),
    payloadView(message, wanted.form || "auto", (form) => go({ form })),
    Object.keys(message.properties).length ? h("pre", { tabindex: "0" }, JSON.stringify(message.properties, null, 2)) : null);
}
