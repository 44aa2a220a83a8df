import { variable } from "./environment.js";
import { ConfigurationError } from "./errors.js";

/** A key, or a function that is asked for it anew before each try. Since 0.1.0. */
export type APIKey = string | (() => string | Promise<string>);

/** The API answers 401 to a header of more than 4,096 characters, and "Bearer " has seven. */
const LONGEST = 4089;

// RFC 6750 §2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
const B64TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

const VARIABLES = ["CONDUCTOR_API_KEY", "API_KEY"] as const;

/** The key, or an error that says what is wrong with it and never what it is. */
function checked(key: unknown, source: string): string {
  const wrong = (what: string) => new ConfigurationError(`the API key from ${source} ${what}`);
  if (typeof key !== "string") throw wrong("is not a string");
  if (key === "") throw wrong("is empty");
  if (key.trim() !== key) {
    throw wrong("has white space or a newline at an end: remove it");
  }
  if (/^bearer /i.test(key)) {
    throw wrong('begins with "Bearer ": leave that out, it is added');
  }
  if (key.length > LONGEST) throw wrong("is longer than 4,089 characters");
  if (!B64TOKEN.test(key)) {
    throw wrong("has a character other than A-Z a-z 0-9 . _ ~ + / - and = at the end");
  }
  return key;
}

function fromEnvironment(): string {
  for (const name of VARIABLES) {
    const key = variable(name);
    if (key !== null) return checked(key, name);
  }
  throw new ConfigurationError(
    "no API key: set the environment variable CONDUCTOR_API_KEY (or API_KEY), or pass apiKey",
  );
}

/** Refuse at construction what can be known then. A function is asked at the call. */
export function checkKey(given: unknown): void {
  if (given === undefined) fromEnvironment();
  else if (typeof given !== "function") checked(given, "apiKey");
}

/** The key of the next try; what a function of the caller's throws passes through. */
export async function askKey(given: APIKey | undefined): Promise<string> {
  if (given === undefined) return fromEnvironment();
  if (typeof given === "string") return checked(given, "apiKey");
  return checked(await given(), "the apiKey function");
}
