// Queues of SQS with their attributes and redrives, topics of SNS with their subscriptions and filters.

import { below, call, get } from "./api.js";
import { act, field, figures, form, h, input, link, number, span, table, when, yes } from "./dom.js";
import { MONITORS, done, listPage } from "./listing.js";

const QUEUES = "mqbroker/views/sqs/queues";
const TOPICS = "mqbroker/views/sns/topics";
const json = (value) => h("pre", { tabindex: "0" }, JSON.stringify(value, null, 2));

const attributeTable = (caption, found) => table({ caption, rows: Object.entries(found.attributes), columns: [
  { label: "Attribute", show: (row) => row[0] }, { label: "Value", show: (row) => row[1] }] });

export const sqs = listPage({
  label: "SQS queues",
  tag: MONITORS,
  path: QUEUES,
  view: "sqs/queues",
  columns: [
    { label: "Name", sort: "name", show: (row) => link(row.name, "sqs-queue", row.vhost, row.name) },
    { label: "Account", sort: "account", key: "account" },
    { label: "Region", sort: "region", key: "region" },
    { label: "FIFO", show: (row) => yes(row.fifo) },
    { label: "Visible", sort: "visible", key: "visible", number: true },
    { label: "In flight", sort: "in_flight", key: "in_flight", number: true },
    { label: "Delayed", sort: "delayed", key: "delayed", number: true },
    { label: "Oldest", sort: "oldest_s", number: true, show: (row) => (row.oldest_s ? span(row.oldest_s) : "") },
    { label: "Sent", sort: "sent", key: "sent", number: true },
    { label: "Deleted", sort: "deleted", key: "deleted", number: true },
    { label: "Dead-letter queue", show: (row) => (row.dead_letter_queue ? `${row.dead_letter_queue} after ${row.receive_max}` : "") },
  ],
});

function tasks(found) {
  const place = below(QUEUES, found.vhost, found.name);
  const running = found.move_tasks.find((task) => task.Status === "RUNNING");
  return [
    h("h2", {}, "Dead letters"),
    h("p", {}, `It is the dead-letter queue of ${found.sources.join(", ")}.`),
    running ? h("p", { class: "bar" }, h("progress", { max: Math.max(1, running.ApproximateNumberOfMessagesToMove), value: running.ApproximateNumberOfMessagesMoved, "aria-label": "Redrive" }),
      `${number(running.ApproximateNumberOfMessagesMoved)} of ${number(running.ApproximateNumberOfMessagesToMove)}`,
      act("Cancel", () => done(call("POST", `${place}/cancel`), "The redrive was cancelled; what was moved stays moved."), "bad"))
      : form("Redrive", [field("To the queue (empty: where each came from)", input("destination")),
        field("Messages a second (empty: as fast as it goes)", input("rate", { type: "number", min: 1, max: 500 }))],
      ({ destination, rate }) => done(call("POST", `${place}/redrive`, { destination, rate: Number(rate) || 0 }), "The redrive has begun."),
      { verb: "Begin", isOpen: true }),
    table({ caption: "Redrives", rows: found.move_tasks, empty: "None yet.", columns: [
      { label: "Begun", show: (row) => when(row.StartedTimestamp) }, { label: "Status", key: "Status" },
      { label: "Moved", number: true, key: "ApproximateNumberOfMessagesMoved" },
      { label: "To", show: (row) => row.DestinationArn || "where each came from" }, { label: "Failure", key: "FailureReason" }] }),
  ];
}

export const sqsQueue = {
  label: "SQS queue",
  part: "sqs",
  title: ({ names }) => `SQS queue ${names[1]}`,
  load: ({ names: [vhost, name] }) => get(below(QUEUES, vhost, name)),
  draw: (found) => [
    h("h1", {}, `SQS queue ${found.name}`),
    h("p", { class: "faint" }, found.arn),
    figures([["Visible", number(found.visible)], ["In flight", number(found.in_flight)], ["Delayed", number(found.delayed)],
      ["Oldest", found.oldest_s ? span(found.oldest_s) : "none"], ["Sent", number(found.sent)], ["Received", number(found.received)], ["Deleted", number(found.deleted)]]),
    h("p", {}, link("Messages: look at them, send, move, purge", "queue", found.vhost, found.name)),
    ...(found.sources.length || found.move_tasks.length ? tasks(found) : []),
    h("h2", {}, "Attributes"),
    attributeTable("As GetQueueAttributes has them", found),
    ...Object.entries(found.documents).map(([name, value]) => [h("h2", {}, name), json(value)]).flat(),
    ...(Object.keys(found.tags).length ? [h("h2", {}, "Tags"), json(found.tags)] : []),
  ],
};

// --- SNS --------------------------------------------------------------------------------------------------------------

export const sns = listPage({
  label: "SNS topics",
  tag: MONITORS,
  path: TOPICS,
  view: "sns/topics",
  columns: [
    { label: "Name", sort: "name", show: (row) => link(row.name, "sns-topic", row.vhost, row.name) },
    { label: "Account", sort: "account", key: "account" },
    { label: "Region", sort: "region", key: "region" },
    { label: "FIFO", show: (row) => yes(row.fifo) },
    { label: "Subscriptions", sort: "subscriptions", key: "subscriptions", number: true },
    { label: "Pending", sort: "pending", key: "pending", number: true },
    { label: "Published", sort: "published", key: "published", number: true },
    { label: "Delivered", sort: "delivered", key: "delivered", number: true },
    { label: "Failed", sort: "failed", key: "failed", number: true },
    { label: "Filtered out", sort: "filtered", key: "filtered", number: true },
    { label: "Waiting", sort: "waiting", key: "waiting", number: true },
  ],
});

let tried = null;

export const snsTopic = {
  label: "SNS topic",
  part: "sns",
  title: ({ names }) => `SNS topic ${names[1]}`,
  load: ({ names: [vhost, name] }) => get(below(TOPICS, vhost, name)),
  draw(found) {
    const wanted = tried && tried.arn === found.arn ? new Set(tried.ids) : null;
    return [
      h("h1", {}, `SNS topic ${found.name}`),
      h("p", { class: "faint" }, found.arn),
      figures([["Subscriptions", number(found.subscriptions)], ["Published", number(found.published)], ["Delivered", number(found.delivered)],
        ["Failed", number(found.failed)], ["Filtered out", number(found.filtered)], ["Waiting", number(found.waiting)]]),
      form("Who would get a message?", [field("Attributes (JSON)", input("attributes", { size: 34, value: wanted ? tried.attributes : null, placeholder: '{"colour": "red"}' })),
        field("Body", input("body", { size: 34, value: wanted ? tried.body : null, placeholder: '{"order": {"total": 7}}' }))],
      ({ attributes, body }) => done((async () => {
        const answer = await call("POST", `${below(TOPICS, found.vhost, found.name)}/try`, { attributes: attributes ? JSON.parse(attributes) : {}, body });
        tried = { arn: found.arn, ids: answer.wanted_by, attributes, body };
        return answer;
      })(), (answer) => `${number(answer.wanted_by.length)} of ${number(found.subscriptions)} subscriptions would get it; nothing was sent.`),
      { verb: "Try", isOpen: true }),
      table({ caption: "Subscriptions", rows: found.subscription_list, empty: "Nobody has subscribed.", columns: [
        { label: "Endpoint", key: "endpoint" }, { label: "Protocol", key: "protocol" },
        { label: "Confirmed", show: (row) => (row.confirmed ? "yes" : "pending") },
        ...(wanted ? [{ label: "Would get it", show: (row) => (wanted.has(row.id) ? "yes" : "no") }] : []),
        { label: "Filter policy", show: (row) => (row.filter_policy ? h("pre", { tabindex: "0" }, `${row.filter_scope}: ${JSON.stringify(row.filter_policy)}`) : "all") },
        { label: "Raw", show: (row) => yes(row.raw) },
        { label: "Delivered", key: "delivered", number: true }, { label: "Failed", key: "failed", number: true },
        { label: "Waiting", key: "waiting", number: true },
        { label: "Dead-letter queue", show: (row) => (row.dead_letter_queue ? `${row.dead_letter_queue} (${number(row.redriven)})` : "") }] }),
      h("h2", {}, "Attributes"),
      attributeTable("As GetTopicAttributes has them", found),
    ];
  },
};
