import { type Base, parseBase } from "./base.js";
import { refuseBrowser, variable } from "./environment.js";
import { ConfigurationError } from "./errors.js";
import { type APIKey, checkKey } from "./key.js";
import { seconds } from "./text.js";

/** The subset of `fetch` that is used: any function with its parameters and results will do. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Where the lines about tries and retries go; `console` is one. Since 0.1.0. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
}

/** The options of a client. Since 0.1.0. */
export interface ConductorClientOptions {
  /**
   * The key, or a function that is asked for it anew before each try. Without one the environment
   * variables CONDUCTOR_API_KEY and then API_KEY are read, anew before each try.
   */
  apiKey?: APIKey | undefined;
  /** Where the API is; else CONDUCTOR_BASE_URL, else `https://api.example.com`. */
  baseURL?: string | undefined;
  /** How often a call is tried again at most. 2 unless you say otherwise. */
  maxRetries?: number | undefined;
  /** Milliseconds for one try, from connecting to the last byte. 60,000 unless you say otherwise. */
  timeout?: number | undefined;
  /** Milliseconds for a whole call with its tries and waits, or null for no end. Else 300,000. */
  deadline?: number | null | undefined;
  /** Used in place of the platform's `fetch`, for a proxy say. It must honour `redirect: "manual"`. */
  fetch?: Fetch | undefined;
  /** Allow plain http to another host than this machine. */
  allowHTTP?: boolean | undefined;
  /** Allow to run in a browser, where whoever opens the page can read the key. */
  dangerouslyAllowBrowser?: boolean | undefined;
  /** Gets a line for each try (debug) and each retry (info), without keys, headers and bodies. */
  logger?: Logger | undefined;
}

/** Options that have been checked, with nothing left out. */
export interface Settings {
  readonly apiKey: APIKey | undefined;
  readonly base: Base;
  readonly maxRetries: number;
  readonly timeout: number;
  readonly deadline: number | null;
  readonly fetch: Fetch;
  readonly logger: Logger | undefined;
}

const NAMES = [
  "apiKey",
  "baseURL",
  "maxRetries",
  "timeout",
  "deadline",
  "fetch",
  "allowHTTP",
  "dangerouslyAllowBrowser",
  "logger",
];

/** What is wrong with a time limit, or null. */
export function wrongTime(name: string, ms: unknown): string | null {
  if (typeof ms === "number" && Number.isFinite(ms) && ms > 0) return null;
  return `${name} must be a number of milliseconds above 0`;
}

/** What is wrong with a try's limit under a call's, or null. */
export function wrongLimits(timeout: number, deadline: number | null): string | null {
  if (deadline === null || timeout <= deadline) return null;
  return (
    `timeout (${seconds(timeout)}, one try) is longer than deadline ` +
    `(${seconds(deadline)}, the whole call): raise deadline too, or make it null`
  );
}

/** The first name that is not known, or null: a misspelt option would be silently without effect. */
export function unknownName(given: object, known: readonly string[]): string | null {
  return Object.keys(given).find((name) => !known.includes(name)) ?? null;
}

/** The object's own properties: nothing that someone put on the prototype of all objects counts. */
export function ownOf<T extends object>(given: T): T {
  return Object.assign(Object.create(null), given) as T;
}

function refuse(wrong: string | null): void {
  if (wrong !== null) throw new ConfigurationError(wrong);
}

function flag(name: string, given: unknown): boolean {
  if (given !== undefined && typeof given !== "boolean") {
    throw new ConfigurationError(`${name} must be true or false`);
  }
  return given ?? false;
}

function chooseFetch(given: unknown): Fetch {
  const fetch = given ?? globalThis.fetch;
  if (typeof fetch === "function") return fetch as Fetch;
  throw new ConfigurationError(
    given === undefined
      ? "there is no fetch here: use Node 18 or newer, or pass one as fetch"
      : "fetch must be a function",
  );
}

/** @throws {@link ConfigurationError} for the first option that is wrong. */
export function check(given: ConductorClientOptions): Settings {
  if (typeof given !== "object" || given === null) {
    throw new ConfigurationError("the options must be an object, { apiKey: … } say");
  }
  const options = ownOf(given);
  const unknown = unknownName(options, NAMES);
  if (unknown !== null) {
    throw new ConfigurationError(`unknown option ${unknown}: known are ${NAMES.join(", ")}`);
  }
  refuseBrowser(flag("dangerouslyAllowBrowser", options.dangerouslyAllowBrowser));
  const { apiKey, maxRetries = 2, timeout = 60_000, deadline = 300_000, logger } = options;
  checkKey(apiKey);
  // Deno asks for permission to read a variable: not for one that isn't needed.
  const variableURL = options.baseURL === undefined ? variable("CONDUCTOR_BASE_URL") : null;
  const base = parseBase(
    options.baseURL === undefined ? (variableURL ?? "https://api.example.com") : options.baseURL,
    variableURL !== null ? "CONDUCTOR_BASE_URL" : "baseURL",
    flag("allowHTTP", options.allowHTTP),
  );
  if (!Number.isSafeInteger(maxRetries) || maxRetries < 0) {
    throw new ConfigurationError("maxRetries must be a whole number, 0 or more");
  }
  refuse(wrongTime("timeout", timeout));
  if (deadline !== null) refuse(wrongTime("deadline", deadline));
  refuse(wrongLimits(timeout, deadline));
  if (
    logger !== undefined &&
    (typeof logger?.debug !== "function" || typeof logger.info !== "function")
  ) {
    throw new ConfigurationError("logger must have the methods debug and info, as console has");
  }
  return { apiKey, base, maxRetries, timeout, deadline, fetch: chooseFetch(options.fetch), logger };
}
