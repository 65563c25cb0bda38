// @aws-sdk/client-sqs. The broker's address is in AMQP_URL.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CreateQueueCommand, DeleteMessageCommand, DeleteQueueCommand, GetQueueAttributesCommand, QueueDoesNotExist,
  ReceiveMessageCommand, SendMessageBatchCommand, SendMessageCommand, SQSClient,
} from "@aws-sdk/client-sqs";

const client = new SQSClient({
  endpoint: process.env.AMQP_URL, region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" },
});
const name = `node-${process.pid}`;
let QueueUrl;

before(async () => {
  ({ QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: name })));
});

after(async () => {
  await client.send(new DeleteQueueCommand({ QueueUrl }));
  client.destroy();
});

test("a message with attributes is sent, received and deleted; the SDK checks the digests", async () => {
  const MessageAttributes = {
    text: { DataType: "String", StringValue: "grün" },
    octets: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255]) },
  };
  const sent = await client.send(new SendMessageCommand({ QueueUrl, MessageBody: "hello", MessageAttributes }));
  const { Messages: [message] } = await client.send(new ReceiveMessageCommand({
    QueueUrl, WaitTimeSeconds: 5, MessageAttributeNames: ["All"], MessageSystemAttributeNames: ["All"],
  }));
  assert.equal(message.MessageId, sent.MessageId);
  assert.equal(message.Body, "hello");
  assert.equal(message.MessageAttributes.text.StringValue, "grün");
  assert.deepEqual([...message.MessageAttributes.octets.BinaryValue], [0, 255]);
  assert.equal(message.Attributes.ApproximateReceiveCount, "1");
  await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
});

test("a batch arrives whole", async () => {
  const Entries = Array.from({ length: 10 }, (_, number) => ({ Id: `${number}`, MessageBody: `${number}` }));
  const { Successful } = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  assert.equal(Successful.length, 10);
  const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  assert.equal(new Set(Messages.map(({ Body }) => Body)).size, 10);
  const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }));
  assert.equal(Attributes.ApproximateNumberOfMessagesNotVisible, "10");
});

test("a long poll ends when a message comes", async () => {
  const { QueueUrl: other } = await client.send(new CreateQueueCommand({ QueueName: `${name}-poll` }));
  const polled = client.send(new ReceiveMessageCommand({ QueueUrl: other, WaitTimeSeconds: 20 }));
  await client.send(new SendMessageCommand({ QueueUrl: other, MessageBody: "late" }));
  const { Messages: [message] } = await polled;
  assert.equal(message.Body, "late");
  await client.send(new DeleteQueueCommand({ QueueUrl: other }));
});

test("a missing queue is the SDK's own error", async () => {
  await assert.rejects(
    client.send(new SendMessageCommand({ QueueUrl: `${QueueUrl}-none`, MessageBody: "x" })), QueueDoesNotExist,
  );
});
