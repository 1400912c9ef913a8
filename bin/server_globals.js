// @ts-check
// What a module of elements needs at its import, where there is no browser. esbuild puts it into the npm package.
export const HTMLElement = globalThis.HTMLElement ?? class {};
export const customElements = globalThis.customElements ?? { get: () => HTMLElement, define: () => undefined };
