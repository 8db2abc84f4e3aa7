import { defineConfig } from "vite";

// While developing, Vite talks to the page over a web socket, which the policy of
// the built page does not allow.
const socketOfVite = {
  name: "socket-of-vite",
  apply: "serve",
  transformIndexHtml: (html, { server }) => (server ? html.replace("connect-src", "connect-src ws:") : html),
};

export default defineConfig({
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  plugins: [socketOfVite],
  server: { host: "localhost" },
  preview: { host: "localhost" },
});
