// Talks to the playground: actions over HTTP, news over a WebSocket.

import { t } from "./words.js";

export class Refused extends Error {}

async function request(verb, path, body) {
  const options = { method: verb };
  if (body instanceof FormData) options.body = body;
  else if (body) Object.assign(options, { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  const response = await fetch(`/control${path}`, options).catch(() => {
    throw new Refused(t("lost"));
  });
  const content = await response.json();
  if (!response.ok) throw new Refused(content.description);
  return content;
}

export const get = (path) => request("GET", path);
export const post = (path, body) => request("POST", path, body);
export const patch = (path, body) => request("PATCH", path, body);
export const remove = (path, body) => request("DELETE", path, body);

export const mediaUrl = (fileId) => `/media/${fileId}`;

export function filesForm(files, values) {
  const form = new FormData();
  for (const [name, value] of Object.entries(values)) if (value !== null && value !== undefined && value !== "") form.append(name, value);
  for (const file of files) form.append("files", file, file.name || "photo.jpg");
  return form;
}

// Calls `tell` with every event, and `connected` with true or false; comes back by itself when the playground does.
export function listen(tell, connected) {
  let pause = 250;
  function connect() {
    const socket = new WebSocket(`ws://${location.host}/control/events`);
    socket.onmessage = (message) => {
      const event = JSON.parse(message.data);
      if (event.type === "hello") {
        pause = 250;
        connected(true);
      } else tell(event);
    };
    socket.onclose = () => {
      connected(false);
      setTimeout(connect, pause);
      pause = Math.min(2 * pause, 4000);
    };
  }
  connect();
}
