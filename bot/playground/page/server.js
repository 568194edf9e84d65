// Talks to the playground: actions over HTTP, news over a WebSocket.

import { t } from "./words.js";

export class Refused extends Error {
  constructor(words, status = 0) {
    super(words);
    this.status = status;
  }
}

let askToJoin = async () => {}; // what to do where this device has not joined

export function whenUnknown(act) {
  askToJoin = act;
}

async function request(verb, path, body) {
  const options = { method: verb };
  if (body instanceof FormData) options.body = body;
  else if (body) Object.assign(options, { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  const response = await fetch(`/control${path}`, options).catch(() => {
    throw new Refused(t("lost"));
  });
  if (response.status === 401) await askToJoin();
  const content = await response.json();
  if (!response.ok) throw new Refused(content.description, response.status);
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
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/control/events`);
    let greeted = false;
    socket.onmessage = (message) => {
      const event = JSON.parse(message.data);
      if (event.type === "hello") {
        pause = 250;
        greeted = true;
        connected(true);
      } else tell(event);
    };
    socket.onclose = async () => {
      connected(false);
      if (!greeted) await get("/state").catch(() => null); // asks this device to join, where it has not
      setTimeout(connect, pause);
      pause = Math.min(2 * pause, 4000);
    };
  }
  connect();
}
