// @ts-check
// Small pieces that every part of the page uses: finding and making elements, saying things.

/** @template {HTMLElement} T @param {string} id @returns {T} */
export const $ = (id) => /** @type {T} */ (document.getElementById(id));

/** @param {number} value */
export const format = (value) => Math.abs(value) >= 1e7 || (value !== 0 && Math.abs(value) < 1e-3)
    ? value.toExponential(3) : String(Number(value.toFixed(3)));

/** @param {string} tag @param {Partial<HTMLElement> & Record<string, any>} [props] @param {(Node | string)[]} children */
export function make(tag, props = {}, ...children) {
    const element = Object.assign(document.createElement(tag), props);
    element.append(...children);
    return element;
}

/** @param {HTMLElement} element @param {string} text empty hides it @param {boolean} [bad] */
export function note(element, text, bad) {
    if (element.textContent !== text) element.textContent = text; // said again it would be read out again
    element.hidden = !text;
    element.classList.toggle('bad', !!bad);
}

/** @param {unknown} error */
export const sentence = (error) => error instanceof Error ? error.message : String(error);

/** @param {number} t */
export function ago(t) {
    const seconds = Math.max(0, Math.round((Date.now() - t) / 1000));
    if (seconds < 60) return `${seconds} s ago`;
    if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
    if (seconds < 86400) return `${Math.round(seconds / 3600)} h ago`;
    return new Date(t).toLocaleDateString();
}
