// The overview: whether all is well, and what the broker does.

import { go } from "./app.js";
import { get } from "./api.js";
import { bytes, chart, figures, h, levels, number, rate, ratesOf, table } from "./dom.js";

const RANGES = { 600: "10 minutes", 3600: "1 hour", 28800: "8 hours", 86400: "1 day" };

// Only what there can be something to show of.
function ranges(chosen, node) {
  const spans = Object.keys(RANGES);
  const known = spans.filter((span, at) => at === 0 || span === chosen || !node || node.uptime > 1000 * Number(spans[at - 1]));
  if (known.length < 2) return null;
  return h("div", { class: "bar", role: "group", "aria-label": "Time shown" }, known.map((span) => [span, RANGES[span]])
    .map(([span, label]) => h("button", { type: "button", "aria-pressed": String(span === chosen),
      onclick: () => go({ range: span === "600" ? "" : span }) }, label)));
}

function charts(history) {
  if (history.length < 2) return h("p", { class: "faint" }, "Charts begin with the second sample, five seconds after the first.");
  const perSecond = (label, names) => ({ label, points: ratesOf(history, names) });
  return h("div", { class: "charts" },
    chart("Messages in a second", [perSecond("published", ["received"]), perSecond("delivered", ["delivered", "no_ack", "got"])], rate),
    chart("Messages in queues", [{ label: "ready", points: levels(history, "ready") },
      { label: "unacknowledged", points: levels(history, "unacked") }]),
    chart("Memory", [{ label: "in use", points: levels(history, "memory_bytes") }], bytes),
    chart("Octets in a second", [perSecond("received", ["octets_in"]), perSecond("sent", ["octets_out"])], (value) => `${bytes(value)}/s`));
}

function health(node, pair) {
  const facts = [];
  if (node) {
    const memory = node.mem_limit ? `${bytes(node.mem_used)} of ${bytes(node.mem_limit)}` : bytes(node.mem_used);
    facts.push([node.mem_alarm, "Memory", memory], [node.disk_free_alarm, "Free on disk", bytes(node.disk_free)],
      [false, "File descriptors", `${number(node.fd_used)} of ${number(node.fd_total)}`]);
  }
  if (pair && pair.node) facts.push([(pair.isr || []).length < 2, "Pair", `${pair.role}, in sync: ${(pair.isr || []).join(", ") || "nobody"}`]);
  return facts.length ? h("ul", { class: "health" }, facts.map(([isBad, name, value]) =>
    h("li", { class: isBad ? "bad" : "well" }, h("span", { "aria-hidden": "true" }, isBad ? "▲" : "●"), ` ${name}: ${value}`,
      isBad ? h("strong", {}, " – look at this") : ""))) : null;
}

const quick = (text, query) => h("a", { href: `#/queues?${query}` }, text);

export const overview = {
  label: "Overview",
  load: async ({ query }) => {
    const span = query.range in RANGES ? query.range : "600";
    const [found, history, nodes, pair] = await Promise.all([get("overview"), get(`mqbroker/history?range=${span}`).catch(() => []),
      get("nodes").catch(() => []), get("mqbroker/pair").catch(() => null)]);
    return { found, history, span, node: nodes[0], pair };
  },
  draw({ found, history, span, node, pair }) {
    const totals = found.object_totals;
    const queued = found.queue_totals;
    const stats = found.message_stats;
    return [
      h("h1", {}, `Overview of ${found.cluster_name}`),
      health(node, pair),
      figures([
        ["Ready", number(queued.messages_ready)], ["Unacked", number(queued.messages_unacknowledged)],
        ["Published", rate(stats.publish_details?.rate)], ["Delivered", rate(stats.deliver_get_details?.rate)],
        ["Connections", number(totals.connections)], ["Channels", number(totals.channels)],
        ["Consumers", number(totals.consumers)], ["Queues", number(totals.queues)], ["Exchanges", number(totals.exchanges)],
      ]),
      h("p", { class: "quick" }, "Queues: ", quick("by backlog", "sort=messages&reverse=true"), quick("by unacknowledged", "sort=messages_unacknowledged&reverse=true"),
        quick("by growth", "sort=messages_details.rate&reverse=true"), quick("without a consumer, and not empty", "only=no-consumers,not-empty")),
      ranges(span, node),
      charts(history),
      found.listeners ? table({ caption: "Listeners", rows: found.listeners, columns: [
        { label: "Protocol", key: "protocol" }, { label: "Address", key: "ip_address" },
        { label: "Port", show: (row) => String(row.port) }, { label: "TLS", show: (row) => (row.tls ? "yes" : "") }] }) : null,
      h("p", { class: "faint" }, `${found.product_name} ${found.product_version}, answers as RabbitMQ ${found.rabbitmq_version}`),
    ].filter(Boolean);
  },
};
