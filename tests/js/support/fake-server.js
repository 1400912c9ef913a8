// @ts-check

/** A server that gives prepared answers in order. Further requests hang until they are aborted. */
export class FakeServer {
  /** @type {URL[]} */
  asked = [];
  /** @type {(Response | Error)[]} */
  answers = [];
  /** @type {any[]} */
  acks = [];

  /**
   * @param {URL} url
   * @param {RequestInit} init
   * @returns {Promise<Response>}
   */
  fetch = (url, { method, body, signal }) => {
    if (method === "POST") {
      this.acks.push(JSON.parse(String(body)));
      return Promise.resolve(new Response(null, { status: 204 }));
    }
    this.asked.push(new URL(url));
    const answer = this.answers.shift();
    if (answer instanceof Error) return Promise.reject(answer);
    if (answer) return Promise.resolve(answer);
    return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  };
}

/**
 * @param {unknown} body
 * @param {number} [status]
 */
export function json(body, status = 200) {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
}

/** Return a stream that the test writes. */
export function stream() {
  const { readable, writable } = new TransformStream();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  return {
    response: new Response(readable, { headers: { "Content-Type": "text/event-stream" } }),
    /** @param {string} text */
    sends: (text) => writer.write(encoder.encode(text)),
    ends: () => writer.close(),
  };
}

/** Wait for promises and streams to settle. */
export async function settled() {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
