// A server that answers as the API does, on a free port of this machine.
import { once } from "node:events";
import { createServer } from "node:http";

const refusal = (code, message) => JSON.stringify({ success: false, error: { code, message } });
const HEALTH = {
  status: "healthy",
  authenticated: true,
  user: { id: "user_123", plan: "pro" },
};

/** Takes one key. /execute/busy is busy the first time that it is asked with an idempotency key. */
export async function startServer(key) {
  const seen = new Map();
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const piece of request) text += piece;
    const answer = (status, body, headers = {}) => {
      response.writeHead(status, { "Content-Type": "application/json", ...headers });
      response.end(body);
    };
    const idempotencyKey = request.headers["x-idempotency-key"];
    if (request.headers.authorization !== `Bearer ${key}`) {
      answer(401, refusal("UNAUTHORIZED", "Invalid API key"));
    } else if (request.url === "/health") {
      answer(200, JSON.stringify(HEALTH), { "X-Request-ID": "of-health" });
    } else if (request.url === "/execute/busy") {
      const tries = (seen.get(idempotencyKey) ?? 0) + 1;
      seen.set(idempotencyKey, tries);
      if (tries === 1) {
        answer(503, refusal("SERVICE_UNAVAILABLE", "Try again"), { "Retry-After": "0" });
      } else {
        answer(200, JSON.stringify({ success: true, output: { ...JSON.parse(text), tries } }));
      }
    } else {
      answer(403, refusal("FORBIDDEN", "Insufficient permissions for this resource"));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
