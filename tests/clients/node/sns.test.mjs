// @aws-sdk/client-sns, and sns-validator for what an endpoint gets. The broker's address is in AMQP_URL: it is HTTPS,
// because validators take certificates of signatures from nowhere else.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { get } from "node:https";
import { once } from "node:events";
import { after, before, test } from "node:test";
import {
  ConfirmSubscriptionCommand, CreateTopicCommand, DeleteTopicCommand, GetTopicAttributesCommand, ListTopicsCommand,
  NotFoundException, PublishBatchCommand, PublishCommand, SetTopicAttributesCommand, SNSClient, SubscribeCommand,
} from "@aws-sdk/client-sns";
import MessageValidator from "sns-validator";

const client = new SNSClient({
  endpoint: process.env.AMQP_URL, region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" },
});
const arrivals = [];
const endpoint = createServer((request, response) => {
  let body = "";
  request.on("data", (data) => { body += data; });
  request.on("end", () => {
    response.end();
    arrivals.push(body);
    endpoint.emit("arrival");
  });
});
let TopicArn;

before(async () => {
  endpoint.listen(0, "127.0.0.1");
  await once(endpoint, "listening");
  ({ TopicArn } = await client.send(new CreateTopicCommand({ Name: `node-${process.pid}` })));
});

after(async () => {
  await client.send(new DeleteTopicCommand({ TopicArn }));
  client.destroy();
  endpoint.close();
});

async function arrival() {
  while (!arrivals.length) await once(endpoint, "arrival");
  return arrivals.shift();
}

function validated(body) {
  const validator = new MessageValidator(/^localhost:\d+$/);
  return new Promise((resolve, reject) => {
    validator.validate(body, (error, message) => (error ? reject(error) : resolve(message)));
  });
}

test("an endpoint confirms by the link, and validates what it gets, in both versions of signatures", async () => {
  const Endpoint = `http://127.0.0.1:${endpoint.address().port}/`;
  const { SubscriptionArn } = await client.send(new SubscribeCommand({ TopicArn, Protocol: "http", Endpoint }));
  assert.equal(SubscriptionArn, "pending confirmation");
  const asked = await validated(await arrival());
  assert.equal(asked.Type, "SubscriptionConfirmation");
  const [answer] = await once(get(asked.SubscribeURL), "response");
  assert.equal(answer.statusCode, 200);
  answer.resume();
  for (const AttributeValue of ["1", "2"]) {
    await client.send(new SetTopicAttributesCommand({ TopicArn, AttributeName: "SignatureVersion", AttributeValue }));
    const MessageAttributes = { n: { DataType: "Number", StringValue: "1" } };
    const sent = await client.send(new PublishCommand({ TopicArn, Message: "grün", Subject: "s", MessageAttributes }));
    const message = await validated(await arrival());
    assert.equal(message.MessageId, sent.MessageId);
    assert.equal(message.Message, "grün");
    assert.equal(message.SignatureVersion, AttributeValue);
  }
  await client.send(new ConfirmSubscriptionCommand({ TopicArn, Token: asked.Token }));
});

test("a message that somebody has changed is not valid", async () => {
  await client.send(new PublishCommand({ TopicArn, Message: "true" }));
  const message = JSON.parse(await arrival());
  await assert.rejects(validated({ ...message, Message: "false" }), /signature is invalid/);
});

test("batches, lists and errors are as the SDK expects them", async () => {
  const PublishBatchRequestEntries = [{ Id: "1", Message: "a" }, { Id: "2", Message: "b" }];
  const { Successful, Failed } = await client.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries }));
  assert.deepEqual(Successful.map((each) => each.Id), ["1", "2"]);
  assert.deepEqual(Failed, []);
  const { Topics } = await client.send(new ListTopicsCommand({}));
  assert.ok(Topics.some((each) => each.TopicArn === TopicArn));
  const { Attributes } = await client.send(new GetTopicAttributesCommand({ TopicArn }));
  assert.equal(Attributes.SubscriptionsConfirmed, "1");
  await assert.rejects(client.send(new PublishCommand({ TopicArn: `${TopicArn}x`, Message: "m" })), NotFoundException);
});
