// What each runtime does with the installed package. It prints one line of JSON.
import { APIStatusError, ConductorClient, PermissionDeniedError } from "@your-org/conductor-sdk";

export async function smoke(apiKey, baseURL) {
  const client = new ConductorClient({ apiKey, baseURL });
  const health = await client.health();
  const execution = await client.execute("busy", { input: { n: 1 } });
  const error = await client.execute("secret", { requestId: "of-secret" }).catch((e) => e);
  const reason = new Error("enough");
  const aborted = await client.health({ signal: AbortSignal.abort(reason) }).catch((e) => e);
  return JSON.stringify({
    health: [health.status, health.user, health.requestId],
    output: execution.output,
    error: [error.name, error.status, error.code, error.message, error.requestId],
    classes: [error instanceof PermissionDeniedError, error instanceof APIStatusError],
    aborted: aborted === reason,
    shown: String(error.stack).includes(apiKey) || JSON.stringify(client).includes(apiKey),
  });
}
