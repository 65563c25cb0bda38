// Which pages there are, and in which groups they stand.

import { definitions, policies, users } from "./people.js";
import { auditPage, eventsPage, logPage, pairPage, tracePage } from "./watch.js";
import { sns, snsTopic, sqs, sqsQueue } from "./aws.js";
import { channels, connections, exchangePage, exchanges, queues } from "./lists.js";
import { mqtt, mqttSession, retained } from "./mqtt.js";
import { overview } from "./overview.js";
import { queuePage } from "./queue.js";

export const GROUPS = {
  Messages: ["overview", "queues", "exchanges", "connections", "channels"],
  MQTT: ["mqtt", "retained"],
  AWS: ["sqs", "sns"],
  Settings: ["policies", "users", "definitions"],
  Node: ["pair", "trace", "events", "audit", "log"],
};

export const PAGES = { overview, queues, exchanges, connections, channels, mqtt, retained, sqs, sns, policies, users,
  definitions, pair: pairPage, trace: tracePage, events: eventsPage, log: logPage, audit: auditPage, queue: queuePage, exchange: exchangePage,
  "mqtt-session": mqttSession, "sqs-queue": sqsQueue, "sns-topic": snsTopic };
