// @ts-check

const ICONS = "link[rel~=icon]";
const SIZE = 64;
const DIGITS = 0.62 * SIZE;

/** @typedef {{href: string | null, type: string | null}} Own */

/**
 * The count on the page's icon, drawn over it. It follows the icons: the site may change them, and Turbo brings others.
 * It needs a policy that allows images of `data:`. If the browser reports that it does not, the icon is left alone.
 */
export class FaviconCount {
  #count = "";
  #colours = { ground: "", text: "" };
  /** The icons' own attributes. @type {Map<HTMLLinkElement, Own>} */
  #own = new Map();
  /** @type {Own} */
  #latest = { href: null, type: null };
  #drawn = "";
  /** All that was drawn here: a page from Turbo's cache may bring one back. @type {Set<string>} */
  #written = new Set();
  #turn = 0;
  #isRefused = false;
  #observer = new MutationObserver(() => this.#followed());

  constructor() {
    document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
      if (effectiveDirective !== "img-src" || !blockedURI.startsWith("data") || !this.#drawn) return;
      this.show("", this.#colours);
      this.#isRefused = true;
    });
  }

  /**
   * @param {string} count "" to restore the icon
   * @param {{ground: string, text: string}} colours
   */
  show(count, colours) {
    const isSame = count === this.#count && colours.ground === this.#colours.ground;
    if (isSame || this.#isRefused) return;
    this.#count = count;
    this.#colours = colours;
    if (count) this.#draw();
    else this.#restore();
  }

  async #draw() {
    this.#turn += 1;
    const turn = this.#turn;
    const links = this.#links;
    for (const one of links) this.#note(one);
    const href = (links.length > 0 && this.#latest.href) || "/favicon.ico";
    const image = await imageOf(new URL(href, document.baseURI).href);
    if (turn !== this.#turn) return;
    this.#drawn = drawing(image, this.#count, this.#colours);
    this.#written.add(this.#drawn);
    this.#write();
  }

  get #links() {
    return /** @type {HTMLLinkElement[]} */ ([...document.head.querySelectorAll(ICONS)]);
  }

  /**
   * Remember an icon as the site has it.
   *
   * @param {HTMLLinkElement} link
   */
  #note(link) {
    const isDrawn = this.#written.has(link.href);
    if (!isDrawn) this.#latest = { href: link.getAttribute("href"), type: link.getAttribute("type") };
    if (!isDrawn || !this.#own.has(link)) this.#own.set(link, this.#latest);
  }

  #write() {
    this.#observer.disconnect();
    if (this.#links.length === 0) addIcon();
    for (const link of this.#links) {
      this.#note(link);
      link.type = "image/png";
      link.href = this.#drawn;
    }
    const options = { childList: true, subtree: true, attributes: true, attributeFilter: ["href"] };
    this.#observer.observe(document.head, options);
  }

  /** The head has changed: draw anew if an icon is another one now. */
  #followed() {
    const links = this.#links;
    if (links.length === 0 || links.some((link) => link.href !== this.#drawn)) this.#draw();
  }

  #restore() {
    this.#turn += 1;
    this.#observer.disconnect();
    for (const [link, { href, type }] of this.#own) {
      if (link.href !== this.#drawn) continue;
      if (href === null) link.remove();
      else link.setAttribute("href", href);
      if (type === null) link.removeAttribute("type");
      else link.setAttribute("type", type);
    }
    this.#own.clear();
    this.#drawn = "";
  }
}

function addIcon() {
  const link = document.createElement("link");
  link.rel = "icon";
  document.head.append(link);
}

/**
 * Return the icon once it is loaded, or null.
 *
 * @param {string} href
 * @returns {Promise<HTMLImageElement | null>}
 */
async function imageOf(href) {
  const image = new Image();
  image.crossOrigin = "anonymous";
  image.src = href;
  return image.decode().then(
    () => image,
    () => null,
  );
}

/**
 * Return the address of the icon with the count on it.
 *
 * @param {HTMLImageElement | null} image
 * @param {string} count
 * @param {{ground: string, text: string}} colours
 */
function drawing(image, count, { ground, text }) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const context = canvas.getContext("2d");
  if (!context) return "";
  if (image) context.drawImage(image, 0, 0, SIZE, SIZE);
  context.font = `bold ${DIGITS}px sans-serif`;
  const width = Math.min(SIZE, Math.max(DIGITS * 1.1, context.measureText(count).width + DIGITS * 0.3));
  context.fillStyle = ground;
  context.beginPath();
  context.roundRect(SIZE - width, SIZE - DIGITS * 1.1, width, DIGITS * 1.1, DIGITS / 2);
  context.fill();
  context.fillStyle = text;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(count, SIZE - width / 2, SIZE - DIGITS * 0.52, width);
  return canvas.toDataURL();
}
