import type { CallOptions, ExecuteOptions, RequestOptions } from "./arguments.js";
import type { Answer } from "./answer.js";
import { attempt } from "./attempt.js";
import { call } from "./call.js";
import { responseError } from "./failures.js";
import { check, type ConductorClientOptions, type Settings } from "./options.js";
import { CALL_NAMES, checkNames, executePath, IDEMPOTENT_NAMES, prepare } from "./prepare.js";
import { type Execution, type Health, readExecution, readHealth } from "./results.js";
import { realTiming, type Timing } from "./timing.js";

/**
 * A client of the Conductor API. It sends the key, to the API only; it repeats what failed on the
 * way, and a POST with the same idempotency key, so that nothing is done twice.
 *
 * Every method rejects with the signal's reason if that aborts, with a TypeError for a wrong
 * argument, with {@link ConfigurationError} if the key is missing or malformed by then, and else
 * with a class under {@link APIError}.
 *
 * Since 0.1.0.
 */
export class ConductorClient {
  readonly #options: ConductorClientOptions;
  readonly #settings: Settings;
  readonly #timing: Timing;

  /** @throws {@link ConfigurationError} for a wrong option, and if there is no key. */
  constructor(options?: ConductorClientOptions);
  /** @internal */
  constructor(options: ConductorClientOptions | undefined, timing: Timing | undefined);
  constructor(options: ConductorClientOptions = {}, timing: Timing = realTiming) {
    const settings = check(options);
    const { base, fetch } = settings;
    // What the environment said is kept for the clients that withOptions makes; but for the key.
    this.#options = { ...options, baseURL: base.url, fetch };
    this.#settings = settings;
    this.#timing = timing;
  }

  /**
   * Ask whether the API is well, and who you are.
   *
   * @throws {@link APIError} and the others that the class names.
   */
  async health(options: CallOptions = {}): Promise<Health> {
    checkNames(options, CALL_NAMES);
    return this.#read("GET", "/health", options, readHealth);
  }

  /**
   * Run an ensemble.
   *
   * @param ensemble - Its name.
   * @typeParam Output - What you expect as output; it is not checked.
   * @throws {@link APIError} and the others that the class names.
   */
  async execute<Output = unknown>(
    ensemble: string,
    options: ExecuteOptions = {},
  ): Promise<Execution<Output>> {
    checkNames(options, [...IDEMPOTENT_NAMES, "input"]);
    const { input = null, ...others } = options;
    const sent = { ...others, json: { input } };
    return this.#read("POST", executePath(ensemble), sent, readExecution<Output>);
  }

  /**
   * Send any other request. It retries and throws like the other methods; what it returns is a
   * success, its body in memory and not read for you.
   *
   * @param method - An HTTP method. All but GET, HEAD and OPTIONS get an idempotency key.
   * @param path - Below the base URL, beginning with "/", without a query.
   * @throws {@link APIError} and the others that the class names.
   */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    return this.#read(method, path, options, (answer) => answer.response);
  }

  /**
   * A client with some options changed, and all others as they are here.
   *
   * @throws {@link ConfigurationError} for a wrong option.
   */
  withOptions(options: ConductorClientOptions): ConductorClient {
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    return new ConductorClient({ ...this.#options, ...Object.fromEntries(given) }, this.#timing);
  }

  async #read<T>(
    method: string,
    path: string,
    options: RequestOptions,
    read: (answer: Answer) => T | null,
  ): Promise<T> {
    const settings = this.#settings;
    const timing = this.#timing;
    const request = prepare(settings, method, path, options);
    const answer = await call(settings, request, timing, (left) =>
      attempt(settings, request, timing, left),
    );
    const result = read(answer);
    if (result === null) throw responseError(answer, request);
    return result;
  }
}
