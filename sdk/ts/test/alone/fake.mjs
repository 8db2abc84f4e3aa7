// A server that answers as it is told, and a clock that is moved by hand.
import { createServer } from "node:http";
import * as http2 from "node:http2";

// Serves until the test ends; returns the URL. Each request is noted in `seen`.
export async function serve(t, answer) {
  const seen = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) {
      body += chunk;
    }
    const noted = { path: request.url, headers: request.headers, body };
    seen.push(noted);
    answer(noted, response, seen.length);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}`, seen, server };
}

// The same over HTTP/2 without TLS, as gRPC is spoken: `answer` has the stream.
export async function serveHTTP2(t, answer) {
  const sessions = new Set();
  let n = 0;
  const server = http2.createServer();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    answer(stream, ++n);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    sessions.forEach((session) => session.destroy());
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}`, calls: () => n };
}

// An empty message of gRPC.
export function fineGRPC(stream) {
  stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(Buffer.alloc(5));
}

// An empty message of Connect, and an error.
export const fine = (response, headers = {}) =>
  response.writeHead(200, { "content-type": "application/proto", ...headers }).end();
export const failed = (response, status, code, headers = {}) =>
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify({ code, message: code }));
export const json = (response, status, value) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));

// Waits take no time, and move the clock.
export function environment() {
  const slept = [];
  let time = Date.UTC(2030, 0, 1);
  return {
    slept,
    advance: (milliseconds) => (time += milliseconds),
    now: () => time,
    random: () => 0.5,
    sleep: async (milliseconds, signal) => {
      signal.throwIfAborted();
      slept.push(milliseconds);
      time += milliseconds;
    },
  };
}
