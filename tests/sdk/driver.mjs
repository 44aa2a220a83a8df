// The other end of node.py. A line of JSON in: first what the client is made of, then a call each.
// A line of JSON out for each outcome, in the names that Python has, and for each line of the log.

import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { APIError, ConductorClient } from '@your-org/conductor-sdk';

const say = (told) => process.stdout.write(`${JSON.stringify(told)}\n`);
const log = (message) => say({ log: message });
const orNull = (value) => value ?? null;

async function success(name, result) {
  if (name === 'health') {
    const { status, authenticated, user, requestId } = result;
    return { status, authenticated, user: [user.id, user.plan], request_id: requestId };
  }
  if (name === 'execute') {
    const { output, replayed, requestId } = result;
    return { output, replayed, request_id: requestId };
  }
  return { status: result.status, text: await result.text() };
}

function failure(error) {
  if (!(error instanceof APIError)) throw error;
  return {
    error: error.constructor.name,
    status: orNull(error.status),
    code: orNull(error.code),
    message: error.message,
    request_id: orNull(error.requestId),
    idempotency_key: orNull(error.idempotencyKey),
    retry_after: orNull(error.retryAfter),
    limit: orNull(error.limit),
    remaining: orNull(error.remaining),
    reset: orNull(error.reset),
  };
}

const NAMES = { content: 'body', idempotency_key: 'idempotencyKey', request_id: 'requestId' };

function translated(options) {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [NAMES[name] ?? name, value]),
  );
}

async function outcome(client, { do: name, arguments: given, options }) {
  try {
    const result = await client[name](...given, translated(options));
    return { error: null, ...(await success(name, result)) };
  } catch (error) {
    return failure(error);
  }
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { apiKey, keyFile, options } = JSON.parse((await lines.next()).value);
const client = new ConductorClient({
  apiKey: apiKey ?? (() => readFile(keyFile, 'utf8')),
  logger: { debug: log, info: log },
  ...options,
});
for await (const line of lines) {
  const call = JSON.parse(line);
  outcome(client, call).then((told) => say({ id: call.id, outcome: told }));
}
