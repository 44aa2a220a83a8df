export type {
  CallOptions,
  ExecuteOptions,
  IdempotentOptions,
  RequestOptions,
} from "./arguments.js";
export { ConductorClient } from "./client.js";
export {
  APIConnectionError,
  APIError,
  type APIErrorDetails,
  APIResponseError,
  APIStatusError,
  type APIStatusErrorDetails,
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
export type { Execution, Health, Result } from "./results.js";
