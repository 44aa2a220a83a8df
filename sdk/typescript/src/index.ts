export type { CallOptions, ExecuteOptions, RequestOptions } from "./arguments.js";
export { ConductorClient } from "./client.js";
export {
  APIConnectionError,
  APIError,
  APIResponseError,
  APIStatusError,
  APITimeoutError,
  AuthenticationError,
  BadRequestError,
  ConfigurationError,
  ConflictError,
  PermissionDeniedError,
  RateLimitError,
  ServiceUnavailableError,
  UnprocessableEntityError,
} from "./errors.js";
export type { APIKey } from "./key.js";
export type { ConductorClientOptions, Fetch, Logger } from "./options.js";
export type { Execution, Health } from "./results.js";
