// What time it is, by the server's clock: a phone's may be wrong by an hour or a day, and a day's money is not.

// How far this phone's clock is ahead, ms.
let ahead = 0;

/** Learns from a reply. Only from one that cannot come out of a cache: its date is of now. */
export function heard(reply) {
  const at = Date.parse(reply.headers.get("date") ?? "");
  if (Number.isFinite(at) && reply.headers.get("cache-control")?.includes("no-store")) ahead = Date.now() - at;
}

/** Now, good to some seconds; the phone's own word until the server was heard. */
export const now = () => new Date(Date.now() - ahead);
