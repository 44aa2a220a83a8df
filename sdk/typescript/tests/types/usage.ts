// Compiled, never run: what a user writes is accepted, and what the client would refuse isn't.
import {
  APIError,
  APIStatusError,
  APITimeoutError,
  type ConductorClientOptions,
  ConductorClient,
  ConfigurationError,
  type Execution,
  type Health,
  RateLimitError,
} from "@your-org/conductor-sdk";

const client = new ConductorClient({
  apiKey: process.env.API_KEY,
});

const options: ConductorClientOptions = {
  apiKey: async () => "key",
  baseURL: undefined,
  maxRetries: 0,
  timeout: 1000,
  deadline: null,
  fetch: globalThis.fetch,
  logger: console,
};
export const other: ConductorClient = new ConductorClient(options).withOptions({ timeout: 5 });
new ConductorClient();
new ConductorClient({ fetch: async (url, init) => fetch(url, { ...init, keepalive: true }) });

export async function use(signal: AbortSignal): Promise<string | null> {
  const health: Health = await client.health({ signal });
  const plan: string | null = health.user.plan;
  const unknown: Execution = await client.execute("e", { input: { a: 1 }, idempotencyKey: false });
  const { output, replayed, requestId } = await client.execute<{ text: string }>("e", {
    requestId: undefined,
  });
  const text: string = output.text;
  const response: Response = await client.request("GET", "/x", {
    query: { a: ["1"], b: 2, c: true, d: undefined },
  });
  await client.request("PUT", "/x", {
    body: new Uint8Array(1),
    headers: { "Content-Type": "a/b" },
  });

  // @ts-expect-error what an ensemble answers is unknown until someone claims it
  unknown.output.text;
  // @ts-expect-error results are read-only
  health.status = "ill";
  // @ts-expect-error and so is what is in them
  health.user.id = "me";
  // @ts-expect-error a misspelt option
  new ConductorClient({ baseUrl: "https://api.example.com" });
  // @ts-expect-error the second parameter is for our own tests
  new ConductorClient({}, undefined);
  // @ts-expect-error the key is in no property
  client.apiKey;
  // @ts-expect-error seconds as text
  await client.health({ timeout: "5" });
  // @ts-expect-error an idempotency key that is true
  await client.execute("e", { idempotencyKey: true });
  return plan ?? (replayed ? text : requestId) ?? (await response.text());
}

export function tell(error: unknown): number | string | null {
  if (error instanceof RateLimitError) return error.retryAfter ?? error.reset ?? error.limit;
  if (error instanceof APITimeoutError) return error.idempotencyKey;
  if (error instanceof APIStatusError) return error.status ?? error.retryAfter;
  if (error instanceof APIError) return error.code ?? error.requestId ?? error.message;
  if (error instanceof ConfigurationError) return error.message;
  return null;
}
