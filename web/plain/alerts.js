// @ts-check
// Open alerts: read once, then kept by the live socket. The list holds what is not resolved; those that
// nobody has seen stand first.
import { call } from './api.js';
import { $, ago, make, note } from './dom.js';

const SHOWN = 20;
const SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'];

/** @typedef {{id: string, deviceId: string, deviceName: string, ruleName: string, message: string, severity: string,
 *  acknowledged: boolean, resolvedAt: string | null, timestamp: string}} Alert */

/** @type {Map<string, Alert>} open ones, by id */
const open = new Map();
/** What the socket said while the list was on its way: newer than the list. @type {Alert[] | null} */
let meanwhile = null;
/** @type {{onDevice: (id: string) => void, onFailed: (error: unknown, where: HTMLElement) => void}} */
let handlers;

/** @param {typeof handlers} given */
export function startAlerts(given) {
    handlers = given;
}

export function forgetAlerts() {
    open.clear();
    meanwhile = null;
    draw();
}

/** The socket is open (again): what came while it was not is in the list. */
export async function loadAlerts() {
    const frames = meanwhile = /** @type {Alert[]} */ ([]);
    if (!open.size) note($('alerts-note'), 'Loading alerts …');
    try {
        /** @type {Alert[]} */
        const list = await call('GET', '/alerts?openOnly=true');
        if (meanwhile !== frames) return; // asked again meanwhile, or logged out
        open.clear();
        for (const alert of [...list, ...frames]) keep(alert);
        draw();
    } catch (error) {
        if (meanwhile === frames) handlers.onFailed(error, $('alerts-note'));
    } finally {
        if (meanwhile === frames) meanwhile = null;
    }
}

/** @param {Alert} alert a frame of the live socket */
export function onAlert(alert) {
    meanwhile?.push(alert);
    keep(alert);
    draw();
}

/** @param {Alert} alert */
function keep(alert) {
    if (alert.resolvedAt) open.delete(alert.id);
    else open.set(alert.id, alert);
}

/** @param {Alert} a @param {Alert} b */
function urgency(a, b) {
    return Number(a.acknowledged) - Number(b.acknowledged)
        || SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity)
        || Date.parse(b.timestamp) - Date.parse(a.timestamp);
}

export function draw() {
    const sorted = [...open.values()].sort(urgency);
    const unseen = sorted.filter((alert) => !alert.acknowledged).length;
    $('alerts-count').textContent = open.size ? `${open.size} open, ${unseen} new` : '';
    note($('alerts-note'), open.size > SHOWN ? `The ${SHOWN} most urgent of ${open.size}.` : open.size ? '' : 'No open alerts.');
    const list = $('alerts');
    const shown = sorted.slice(0, SHOWN);
    const items = new Map([...list.children].map((item) => [/** @type {HTMLElement} */ (item).dataset.id, item]));
    for (const [i, alert] of shown.entries()) {
        const item = /** @type {HTMLElement} */ (items.get(alert.id) ?? makeItem(alert));
        items.delete(alert.id);
        drawItem(item, alert);
        if (list.children[i] !== item) list.insertBefore(item, list.children[i] ?? null);
    }
    for (const item of items.values()) item.remove();
}

/** @param {Alert} alert */
function makeItem(alert) {
    const message = make('button', { type: 'button', className: 'link', onclick: () => handlers.onDevice(alert.deviceId) });
    const seen = make('button', { type: 'button', className: 'seen', textContent: 'Acknowledge', onclick: () => void acknowledge(alert.id, /** @type {any} */ (seen)) });
    const item = make('li', {}, make('span', { className: 'severity' }), make('span', { className: 'what' }, message, ' ', make('span', { className: 'when' })), seen);
    item.dataset.id = alert.id;
    return item;
}

/** @param {HTMLElement} item @param {Alert} alert */
function drawItem(item, alert) {
    const [severity, what, seen] = /** @type {HTMLElement[]} */ ([...item.children]);
    const [message, when] = /** @type {HTMLElement[]} */ ([...what.children]);
    item.classList.toggle('acknowledged', alert.acknowledged);
    severity.textContent = alert.severity.toLowerCase();
    severity.className = `severity ${alert.severity === 'CRITICAL' || alert.severity === 'HIGH' ? 'bad' : 'warn'}`;
    message.textContent = alert.message;
    when.textContent = `${alert.ruleName ?? ''} ${ago(Date.parse(alert.timestamp))}${alert.acknowledged ? ', acknowledged' : ''}`;
    seen.hidden = alert.acknowledged;
    seen.setAttribute('aria-label', `Acknowledge: ${alert.message}`);
}

/** @param {string} id @param {HTMLButtonElement} button */
async function acknowledge(id, button) {
    button.disabled = true;
    try {
        const alert = await call('POST', `/alerts/${encodeURIComponent(id)}/acknowledge`);
        if (open.has(id)) keep(alert);
        draw();
        $('alerts-title').focus(); // the button that had it is gone
    } catch (error) {
        handlers.onFailed(error, $('alerts-note'));
    } finally {
        button.disabled = false;
    }
}
