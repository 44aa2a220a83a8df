/**
 * A version 4 UUID. It has to be unique, not secret: it is an idempotency key, which is good only
 * together with the API key. So where a platform has no randomUUID (Node 18 has it behind a flag, a
 * page over http lacks it) Math.random is enough.
 */
export function uuid(): string {
  const crypto: Partial<Crypto> | undefined = globalThis.crypto;
  if (typeof crypto?.randomUUID === "function") return crypto.randomUUID();
  const digit = () => Math.floor(Math.random() * 16).toString(16);
  return "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replaceAll("x", digit);
}
