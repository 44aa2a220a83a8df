import { variable } from "./environment.js";
import { ConfigurationError } from "./errors.js";

/** A key, or a function that is asked for it anew before each try. Since 0.1.0. */
export type APIKey = string | (() => string | Promise<string>);

/** The API answers 401 to a header of more than 4,096 characters, and "Bearer " has seven. */
const LONGEST = 4089;

// RFC 6750 §2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
const B64TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

const VARIABLES = ["CONDUCTOR_API_KEY", "API_KEY"] as const;

function wrongInKey(key: unknown, place: string): string {
  if (key === undefined || key === null || key === "") {
    const [first, second] = VARIABLES;
    return `there is no API key in ${place}: set the variable ${first} (or ${second}), or pass apiKey`;
  }
  if (typeof key !== "string") {
    return `${place} is not an API key: a string is needed, not ${typeof key}`;
  }
  if (/^bearer /i.test(key)) return `the API key in ${place} begins with "Bearer ": leave that out`;
  if (key !== key.trim()) {
    return (
      `the API key in ${place} has white space or a newline at an end: ` +
      "take it off, as with .trim() after reading a file"
    );
  }
  if (key.length > LONGEST) {
    return `the API key in ${place} is longer than ${LONGEST} characters: is it a key?`;
  }
  return (
    `the API key in ${place} has a character that no key has ` +
    "(RFC 6750 allows letters, digits and -._~+/): copy it again"
  );
}

/** The key, or an error that says what is wrong with it and never what it is. */
function checked(key: unknown, place: string): string {
  if (typeof key === "string" && key.length <= LONGEST && B64TOKEN.test(key)) return key;
  throw new ConfigurationError(wrongInKey(key, place));
}

function fromEnvironment(): string {
  for (const name of VARIABLES) {
    const key = variable(name);
    if (key !== null) return checked(key, name);
  }
  return checked(null, "the environment");
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
  return checked(await given(), "what apiKey() returned");
}
