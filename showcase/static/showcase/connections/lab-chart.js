// @ts-check
/** @import { LabConnection } from "./lab-connection.js" */

const SVG = "http://www.w3.org/2000/svg";
const LEFT = 56;
const RIGHT = 12;
const BOTTOM = 14;
const TOP = 12;
/** The most events drawn, if there is room for them. */
const SHOWN = 60;
const ROOM = 9;
const DECADES = [1, 10, 100, 1_000, 10_000];
/** A shape for each kind, because some people cannot distinguish the colours. @type {Record<string, string>} */
const SHAPES = {
  ws: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
  sse: "M-3.6 -3.6h7.2v7.2h-7.2z",
  poll: "M0 -4.6l4.4 7.8h-8.8z",
  "plain-poll": "M0 -5l4.4 5l-4.4 5l-4.4 -5z",
};

/**
 * Chart of the delay of the latest events for each kind of connection, on a logarithmic scale. The point of an event that
 * is still under way rises until it arrives.
 */
export class LabChart {
  #root;
  #connections;
  #moving = false;
  #width = 0;
  #height = 0;

  /**
   * @param {SVGElement} root
   * @param {LabConnection[]} connections
   * @param {AbortSignal} signal ends it
   */
  constructor(root, connections, signal) {
    this.#root = root;
    this.#connections = connections;
    const watch = new ResizeObserver(() => this.draw());
    watch.observe(root);
    signal.addEventListener("abort", () => watch.disconnect());
  }

  /** Draw the chart, and redraw it while events are under way. */
  draw() {
    if (this.#moving) return;
    this.#moving = true;
    requestAnimationFrame(() => {
      this.#moving = false;
      this.#drawNow();
      if (this.#connections.some(({ figures }) => figures.missing > 0)) this.draw();
    });
  }

  #drawNow() {
    this.#width = this.#root.clientWidth;
    this.#height = this.#root.clientHeight;
    this.#root.setAttribute("viewBox", `0 0 ${this.#width} ${this.#height}`);
    const series = this.#connections.map((connection) => this.#series(connection));
    this.#root.replaceChildren(...this.#cuts(), ...this.#grid(), ...series);
  }

  *#grid() {
    for (const delay of DECADES) {
      const y = this.#yOf(delay);
      yield make("line", { class: "lab-grid", x1: LEFT, x2: this.#width, y1: y, y2: y });
      const label = make("text", { class: "lab-tick", x: LEFT - 8, y: y + 4 });
      label.textContent = delay < 1_000 ? `${delay} ms` : `${delay / 1_000} s`;
      yield label;
    }
  }

  /** Yield a backdrop for each event that was sent while the network was cut. */
  *#cuts() {
    const [first] = this.#connections;
    for (const { x, step, cut } of first ? this.#points(first) : []) {
      if (cut) yield make("rect", { class: "lab-cut", x: x - step / 2, y: 0, width: step, height: this.#height });
    }
  }

  /** @param {LabConnection} connection */
  #series(connection) {
    const group = make("g", { class: `lab-series is-${connection.kind}` });
    const points = this.#points(connection);
    const here = points.filter((point) => point.here).map(({ x, y }) => `${x},${y}`);
    group.append(make("polyline", { points: here.join(" ") }));
    for (const { x, y, here } of points) {
      const shape = { d: SHAPES[connection.kind] ?? "", transform: `translate(${x} ${y})` };
      group.append(make("path", { ...shape, class: here ? "is-here" : "is-coming" }));
    }
    return group;
  }

  /** @param {LabConnection} connection */
  #points({ figures }) {
    const now = performance.now();
    const room = this.#width - LEFT - 2 * RIGHT;
    const numbers = figures.numbers.slice(-Math.min(SHOWN, Math.floor(room / ROOM)));
    const step = room / Math.max(numbers.length - 1, 19);
    return numbers.map((n, index) => {
      const { delay, here, cut } = figures.delayOf(n, now);
      return { x: LEFT + RIGHT + index * step, y: this.#yOf(delay), step, here, cut };
    });
  }

  /** @param {number} delay */
  #yOf(delay) {
    const decades = Math.log10(Math.min(Math.max(delay, 1), 10_000)) / 4;
    return this.#height - BOTTOM - decades * (this.#height - BOTTOM - TOP);
  }
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 */
function make(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}
