// A program in which all goes wrong, and that shows all it knows: the log, each error with its
// stack, its causes and whatever inspection finds in it. `node fails.mjs CLOSED_PORT`.

import { inspect } from 'node:util';
import * as sdk from '@your-org/conductor-sdk';

const logger = { debug: (text) => console.log('DEBUG', text), info: (text) => console.log('INFO', text) };
const deep = { depth: Infinity, showHidden: true, getters: true };

function show(thing) {
  console.log(thing);
  console.log(inspect(thing, deep));
  console.log(String(thing), JSON.stringify(thing), Object.getOwnPropertyNames(thing));
  for (const name in thing) console.log(name, thing[name]);
}

function showError(error) {
  if (!(error instanceof sdk.APIError)) throw error;
  for (let link = error; link instanceof Error; link = link.cause) {
    show(link);
    console.error(link.stack);
  }
  if (error.response) show([...error.response.headers]);
}

const client = new sdk.ConductorClient({ logger });
show(client);
const there = client.withOptions({ maxRetries: 1, timeout: 20_000 });
const gone = client.withOptions({ baseURL: `http://127.0.0.1:${process.argv[2]}`, maxRetries: 1 });
const mistyped = client.withOptions({ apiKey: async () => process.env.MISTYPED_KEY });
const calls = [
  () => there.health(),
  () => there.execute('x', { input: 'a', idempotencyKey: 'order-1' }),
  () => there.execute('x', { input: 'b', idempotencyKey: 'order-1' }),
  () => there.execute('broken'),
  () => there.request('GET', '/admin'),
  () => there.request('GET', '/nowhere', { query: { a: 'b' } }),
  () => there.execute('x', { timeout: 0.001 }),
  () => gone.execute('x'),
  () => mistyped.execute('x'),
];
for (const call of calls) {
  try {
    show(await call());
  } catch (error) {
    showError(error);
  }
}
await client.request('GET', '/admin'); // nobody catches it
