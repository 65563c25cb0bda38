// Calls to the broker. The session is in a cookie that no script can read; our header shows that no other page calls.

export class Refused extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

export const segment = encodeURIComponent;

// What has these names below a path.
export const below = (path, ...names) => [path, ...names.map(segment)].join("/");

export async function call(method, path, body, more = {}) {
  const response = await fetch(`api/${path}`, {
    method,
    credentials: "same-origin",
    headers: { "X-Requested-With": "mqbroker-console", ...more, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  const found = text ? JSON.parse(text) : null;
  if (!response.ok && response.status !== 503) {
    throw new Refused(response.status, (found && found.reason) || `The broker answered ${response.status}.`);
  }
  return found;
}

export const get = (path) => call("GET", path);

export function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  return new URLSearchParams(given).toString();
}
