// Shows the description of this server, and makes calls to it alone. A token that
// is typed in stays in the memory of the page.
"use strict";

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function dress() {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

function toThisServer(request) {
  if (new URL(request.url, location.href).origin !== location.origin) {
    throw new Error("this page calls its own server only");
  }
  return request;
}

// Masked keeps the token out of the line for curl, which people copy and show.
const Masked = {
  wrapComponents: {
    curl: (Original, { React }) => (props) =>
      React.createElement(Original, {
        ...props,
        request: props.request.update("headers", (headers) =>
          headers?.map((value, name) => (name.toLowerCase() === "authorization" ? value.replace(/ .*/, " …") : value)),
        ),
      }),
  },
};

dark.addEventListener("change", dress);
dress();
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "none",
  // The messages are shown where they are used; all at once they are hundreds.
  defaultModelsExpandDepth: -1,
  defaultModelExpandDepth: 3,
  plugins: [Masked],
  persistAuthorization: false,
  withCredentials: false,
  validatorUrl: null,
  requestInterceptor: toThisServer,
});
