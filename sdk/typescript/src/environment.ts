import { ConfigurationError } from "./errors.js";

// What is read here is not in the types of all the platforms, and absent on some of them.
interface Platform {
  readonly process?: {
    readonly env?: Record<string, string | undefined>;
    readonly versions?: { readonly node?: string };
  };
  readonly window?: { readonly document?: unknown };
  readonly navigator?: { readonly userAgent?: string };
  readonly Deno?: unknown;
  readonly Bun?: unknown;
  readonly WorkerGlobalScope?: unknown;
  readonly importScripts?: unknown;
}

/** A variable of the environment, or null; an empty one counts as missing. */
export function variable(name: string): string | null {
  return (globalThis as Platform).process?.env?.[name] || null;
}

function isBrowser(): boolean {
  const platform = globalThis as Platform;
  if (platform.window !== undefined && platform.window.document !== undefined) return true;
  // A browser's web or service worker: it has no window, and servers that look like one say so.
  const server =
    platform.Deno !== undefined ||
    platform.Bun !== undefined ||
    platform.process?.versions?.node !== undefined ||
    platform.navigator?.userAgent === "Cloudflare-Workers";
  return (
    !server &&
    platform.WorkerGlobalScope !== undefined &&
    typeof platform.importScripts === "function"
  );
}

export function refuseBrowser(allowed: boolean): void {
  if (allowed || !isBrowser()) return;
  throw new ConfigurationError(
    "this is a browser, and whoever opens the page can read the API key and use it: call the API " +
      "from your server, and let the page ask your server. If all who can open the page may have " +
      "the key, set dangerouslyAllowBrowser: true",
  );
}
