import { type Answer, isObject, isReplay, json } from "./answer.js";

/** What every result has. */
interface Result {
  /** The answer's X-Request-ID, else what the call was given, else null. */
  readonly requestId: string | null;
  /** The answer, its body in memory. */
  readonly response: Response;
}

/** The answer of `GET /health`. Since 0.1.0. */
export interface Health extends Result {
  /** `healthy` */
  readonly status: string;
  readonly authenticated: boolean;
  /** The owner of the key, and what they have booked. */
  readonly user: { readonly id: string; readonly plan: string | null };
}

/** The answer of `POST /execute/{ensemble}`. Since 0.1.0. */
export interface Execution<Output = unknown> extends Result {
  /** What the ensemble answered. Its type is your claim: it is not checked. */
  readonly output: Output;
  /** Whether this was answered from memory: an earlier request with this idempotency key did it. */
  readonly replayed: boolean;
}

/** The documented answer, or null where this isn't one. */
export function readHealth(answer: Answer): Health | null {
  const body = json(answer);
  if (answer.response === null || !isObject(body) || !isObject(body["user"])) return null;
  const { status, authenticated } = body;
  const { id, plan = null } = body["user"];
  if (typeof status !== "string" || typeof authenticated !== "boolean") return null;
  if (typeof id !== "string" || (plan !== null && typeof plan !== "string")) return null;
  const { requestId, response } = answer;
  return { status, authenticated, user: { id, plan }, requestId, response };
}

/** The documented answer, or null where this isn't one. */
export function readExecution<Output>(answer: Answer): Execution<Output> | null {
  const body = json(answer);
  if (answer.response === null || !isObject(body)) return null;
  if (body["success"] !== true || !Object.hasOwn(body, "output")) return null;
  const { requestId, response } = answer;
  const replayed = isReplay(answer.headers);
  return { output: body["output"] as Output, requestId, replayed, response };
}
