// @ts-check
// The page: who you are, your open alerts, your devices, the latest values, one live chart. Everything on it
// comes from the public API; the address bar holds what is being looked at.
import { ApiError, accessToken, call, enter, forget, freshToken, hasSession, leave } from './api.js';
import { draw as drawAlerts, forgetAlerts, loadAlerts, onAlert, startAlerts } from './alerts.js';
import { $, ago, format, make, note, sentence } from './dom.js';
import { startLive } from './live.js';
import { Chart } from './chart.js';

const RANGES = new Map([['5m', 300], ['1h', 3600], ['24h', 86400], ['7d', 604800], ['90d', 7776000]]);
const COLUMNS = 400;       // points asked for are four per column: first, lowest, highest, last
const MOST_POINTS = 6000;  // on the chart; beyond, the server thins again
const NOT_VALUES = new Set(['deviceId', 'externalId', 'timestamp', 'type', 'metadata', 'variables']);

/** @typedef {{externalId: string, id: string, name: string | null, status: string, lastSeenAt: string | null}} Device */
/** @typedef {{t: number, values: Map<string, number>}} Latest */

const state = {
    /** @type {Map<string, Device>} by external id */ devices: new Map(),
    /** @type {Map<string, Latest>} by external id */ latest: new Map(),
    /** @type {Map<string, string>} unit by variable of the chosen device */ units: new Map(),
    device: '', variable: '', range: '1h',
    drawn: '', // the device whose variables are on the page
    /** @type {import('./chart.js').Point[]} */ points: [],
    loading: 0,
    /** @type {() => void} */ stopLive: () => {},
};

const chart = new Chart($('chart'), (point) => {
    $('reading').textContent = point
        ? `${new Date(point.t).toLocaleString()}: ${format(point.v)} ${state.units.get(state.variable) ?? ''}`
        : '';
});

// --- who you are ---------------------------------------------------------------------------------

/** @param {'login' | 'register' | 'board'} which */
function show(which) {
    for (const id of ['login', 'register', 'board']) $(id).hidden = id !== which;
    for (const id of ['who', 'link', 'logout']) $(id).hidden = which !== 'board';
    if (which !== 'board') $(which).querySelector('input')?.focus();
}

/** Sends a form, shows what is wrong with which field, and keeps the button from a second click.
 *  @param {string} id @param {(fields: Record<string, string>) => Promise<void>} action */
function onSubmit(id, action) {
    const form = /** @type {HTMLFormElement} */ ($(id));
    const problem = /** @type {HTMLElement} */ (form.querySelector('.notice'));
    form.addEventListener('submit', async (event) => {
        event.preventDefault();
        const button = /** @type {HTMLButtonElement} */ (form.querySelector('button.main'));
        const fields = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)])
            .filter(([, value]) => value !== ''));
        button.disabled = true;
        note(problem, '');
        try {
            await action(fields);
            form.reset();
        } catch (error) {
            const errors = error instanceof ApiError ? Object.entries(error.errors) : [];
            note(problem, [sentence(error), ...errors.map(([field, why]) => `${field}: ${why}`)].join('\n'), true);
        } finally {
            button.disabled = false;
        }
    });
}

async function enterBoard() {
    const me = await call('GET', '/auth/me');
    $('who').textContent = `${me.username}, ${me.organizationName}`;
    show('board');
    await Promise.all([loadDevices(), loadAlerts()]);
    if (!hasSession()) return;
    state.stopLive();
    state.stopLive = startLive({ token: freshToken, onFrame, onOpen: fillGap, onState: showLink, onRefused: refused });
}

/** @param {string} [why] */
function leaveBoard(why) {
    state.stopLive();
    forget();
    forgetAlerts();
    state.devices.clear();
    state.latest.clear();
    choose('', '');
    show('login');
    if (why) note(/** @type {HTMLElement} */ ($('login').querySelector('.notice')), why, true);
}

/** @param {unknown} error @param {HTMLElement} where */
function failed(error, where) {
    if (error instanceof ApiError && error.status === 401) leaveBoard('Your session has ended. Please log in again.');
    else note(where, sentence(error), true);
}

/** @param {string} reason the socket's */
async function refused(reason) {
    try {
        await call('GET', '/auth/me'); // renews the token, or tells that the session is over
        note($('devices-note'), `No live values: ${reason || 'refused'}. Reload to try again.`, true);
        showLink('offline', 0);
    } catch (error) {
        failed(error, $('devices-note'));
    }
}

/** @param {string} link @param {number} seconds */
function showLink(link, seconds) {
    const [text, look] = /** @type {Record<string, [string, string]>} */ ({
        live: ['Live', 'good'], connecting: ['Connecting …', 'warn'],
        waiting: [`Connection lost; again in ${seconds} s`, 'bad'], offline: ['Offline', 'bad'],
    })[link];
    $('link').textContent = text;
    $('link').className = `pill ${look}`;
}

// --- devices -------------------------------------------------------------------------------------

async function loadDevices() {
    const where = $('devices-note');
    if (!state.devices.size) note(where, 'Loading devices …');
    try {
        const [devices, latest] = await Promise.all([call('GET', '/devices'), call('GET', '/data/latest')]);
        state.devices = new Map(devices.map((/** @type {Device} */ device) => [device.externalId, device]));
        for (const row of latest) keepLatest(row.externalId, Date.parse(row.timestamp), row);
        note(where, devices.length ? '' : 'No devices yet. Add one, or let a device send its first reading.');
        drawDevices();
        const asked = state.devices.has(state.device) ? state.device : devices[0]?.externalId ?? '';
        if (asked && asked !== state.drawn) await openDevice(asked);
    } catch (error) {
        failed(error, where);
    }
}

/** @param {string} id @param {number} t @param {Record<string, unknown>} row */
function keepLatest(id, t, row) {
    const known = state.latest.get(id) ?? { t: 0, values: new Map() };
    for (const [name, value] of Object.entries(row)) {
        if (NOT_VALUES.has(name) || typeof value !== 'number') continue;
        if (t >= known.t || !known.values.has(name)) known.values.set(name, value);
    }
    known.t = Math.max(known.t, t);
    state.latest.set(id, known);
}

function drawDevices() {
    const list = $('devices');
    for (const device of state.devices.values()) {
        let item = list.querySelector(`[data-id="${CSS.escape(device.externalId)}"]`);
        if (!item) {
            item = make('button', { type: 'button' }, make('span', { className: 'name' }), make('span', { className: 'latest' }));
            /** @type {HTMLElement} */ (item).dataset.id = device.externalId;
            item.addEventListener('click', () => void openDevice(device.externalId));
            list.append(make('li', {}, item));
        }
        drawDevice(/** @type {HTMLElement} */ (item), device);
    }
    for (const item of [...list.querySelectorAll('button')]) {
        if (!state.devices.has(item.dataset.id ?? '')) item.parentElement?.remove();
    }
}

/** @param {HTMLElement} item @param {Device} device */
function drawDevice(item, device) {
    const latest = state.latest.get(device.externalId);
    const look = device.status === 'ONLINE' ? 'good' : 'quiet';
    const seen = device.lastSeenAt ? `, ${ago(Date.parse(device.lastSeenAt))}` : '';
    item.children[0].replaceChildren(device.name || device.externalId,
        make('span', { className: `state ${look}` }, device.status.toLowerCase() + seen));
    item.children[1].textContent = latest
        ? [...latest.values].slice(0, 4).map(([name, value]) => `${name} ${format(value)}`).join(' · ')
        : 'no values yet';
    item.setAttribute('aria-current', String(device.externalId === state.device));
}

onSubmit('add-form', async ({ externalId }) => {
    const device = await call('POST', '/devices', { externalId });
    $('add-form').hidden = true;
    $('snippet').textContent = `curl -X POST ${location.origin}/api/v1/ingest/${encodeURIComponent(externalId)} `
        + `-H 'X-API-Key: ${device.apiToken}' -H 'Content-Type: application/json' -d '{"temperature":23.5}'`;
    $('token').hidden = false;
    state.device = externalId;
    await loadDevices();
    $('copy').focus();
});

// --- the chosen device ---------------------------------------------------------------------------

/** @param {string} device @param {string} variable */
function choose(device, variable) {
    state.device = device;
    state.variable = variable;
    const view = new URLSearchParams({ device, variable, range: state.range });
    if (device) history.replaceState(null, '', `#${view}`);
}

/** @param {string} id external id */
async function openDevice(id) {
    const device = state.devices.get(id);
    if (!device) return;
    const wanted = id === state.device ? state.variable : '';
    choose(id, wanted);
    state.drawn = id;
    drawDevices();
    $('device-title').textContent = device.name || id;
    note($('device-note'), 'Loading …');
    try {
        const variables = await call('GET', `/devices/${encodeURIComponent(id)}/variables`);
        if (state.device !== id) return; // another one was chosen meanwhile
        state.units = new Map(variables.map((/** @type {any} */ v) => [v.name, v.unit ?? '']));
        for (const v of variables) {
            if (v.lastValue !== null) keepLatest(id, Date.parse(v.lastValueAt), { [v.name]: v.lastValue });
        }
        const names = variables.map((/** @type {any} */ v) => v.name);
        note($('device-note'), names.length ? '' : 'This device has not sent anything yet.');
        $('device').hidden = !names.length;
        if (!names.length) return;
        await openVariable(names.includes(wanted) ? wanted : names[0]);
    } catch (error) {
        failed(error, $('device-note'));
    }
}

/** @param {string} name */
async function openVariable(name) {
    choose(state.device, name);
    state.points = [];
    drawValues();
    await loadHistory();
}

function drawValues() {
    const latest = state.latest.get(state.device);
    const body = $('values');
    for (const name of state.units.keys()) {
        let row = /** @type {HTMLTableRowElement | null} */ (body.querySelector(`[data-name="${CSS.escape(name)}"]`));
        if (!row) {
            const button = make('button', { type: 'button', textContent: name, onclick: () => void openVariable(name) });
            row = /** @type {HTMLTableRowElement} */ (make('tr', {}, make('th', { scope: 'row' }, button), make('td', { className: 'number' }), make('td')));
            row.dataset.name = name;
            body.append(row);
        }
        row.querySelector('button')?.setAttribute('aria-pressed', String(name === state.variable));
        const value = latest?.values.get(name);
        row.cells[1].textContent = value === undefined ? '' : format(value);
        row.cells[2].textContent = state.units.get(name) ?? '';
    }
    for (const row of [...body.children]) {
        if (!state.units.has(/** @type {HTMLElement} */ (row).dataset.name ?? '')) row.remove();
    }
}

async function loadHistory() {
    const { device, variable, range } = state;
    const ticket = ++state.loading;
    const to = Date.now();
    const from = to - (RANGES.get(range) ?? 3600) * 1000;
    if (!state.points.length) note($('chart-note'), 'Loading …');
    try {
        const query = new URLSearchParams({ deviceId: device, variables: variable, maxPoints: String(COLUMNS * 4),
            from: new Date(from).toISOString(), to: new Date(to + 60_000).toISOString() });
        const rows = await call('GET', `/data/query?${query}`);
        if (ticket !== state.loading) return;
        const history = rows.filter((/** @type {any} */ row) => typeof row[variable] === 'number')
            .map((/** @type {any} */ row) => ({ t: Date.parse(row.timestamp), v: row[variable] }));
        const last = history.at(-1)?.t ?? 0;
        state.points = history.concat(state.points.filter((point) => point.t > last)); // what came live meanwhile
        drawChart();
    } catch (error) {
        if (ticket === state.loading) failed(error, $('chart-note'));
    }
}

function drawChart() {
    const to = Date.now();
    const from = to - (RANGES.get(state.range) ?? 3600) * 1000;
    while (state.points.length && state.points[0].t < from) state.points.shift();
    const unit = state.units.get(state.variable) ?? '';
    note($('chart-note'), state.points.length ? '' : `No values of ${state.variable} in this time. Choose a longer one.`);
    $('chart').setAttribute('aria-label', `${state.variable} of ${state.device} over ${state.range}, ${state.points.length} points. Arrow keys read the values.`);
    chart.show(state.points, from, to, unit);
}

// --- live ----------------------------------------------------------------------------------------

/** @param {any} frame */
function onFrame(frame) {
    if (frame.type === 'ALERT') { onAlert(frame); return; }
    const id = frame.deviceId;
    const device = state.devices.get(id);
    if (frame.type === 'DEVICE_STATUS' && device) device.status = frame.status ?? device.status;
    if (frame.type !== 'DYNAMIC_TELEMETRY') return;
    const t = Date.parse(frame.timestamp);
    keepLatest(id, t, frame.variables);
    if (!device) { scheduleReload(); return; }
    device.status = 'ONLINE';
    device.lastSeenAt = new Date().toISOString();
    dirty.add(id);
    if (id !== state.device) return;
    if (Object.keys(frame.variables).some((name) => !state.units.has(name))) scheduleReload();
    const v = frame.variables[state.variable];
    if (typeof v !== 'number') return;
    const last = state.points.at(-1);
    if (last && t <= last.t) { if (t < last.t) scheduleReload(); else last.v = v; return; }
    state.points.push({ t, v });
}

/** Devices with news since the page was last drawn: a thousand frames a second are ten drawings.
 *  @type {Set<string>} */
const dirty = new Set();
setInterval(() => {
    if (!dirty.size || document.hidden) return;
    drawDevices();
    if (dirty.has(state.device)) {
        drawValues();
        if (state.points.length > MOST_POINTS) void loadHistory();
        else drawChart();
    }
    dirty.clear();
}, 100);
setInterval(() => { if (!$('board').hidden && !document.hidden) { drawDevices(); drawAlerts(); if (state.variable) drawChart(); } }, 5000);

let reload = 0;
/** A device or variable that is new, or a late point: ask again, at most every two seconds. */
function scheduleReload() {
    reload ||= setTimeout(async () => {
        reload = 0;
        state.drawn = '';
        await loadDevices();
    }, 2000);
}

/** The socket is open (again): whatever came while it was not is in the store. */
async function fillGap() {
    await Promise.all([loadDevices(), loadAlerts()]);
    if (state.variable) await loadHistory();
}

// --- start ---------------------------------------------------------------------------------------

startAlerts({ onDevice: (id) => void openDevice(id), onFailed: failed });
onSubmit('login-form', async (fields) => { await enter('/auth/login', fields); await enterBoard(); });
onSubmit('register-form', async (fields) => { await enter('/auth/register', fields); await enterBoard(); });
for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-show]'))) {
    button.addEventListener('click', () => show(/** @type {any} */ (button.dataset.show)));
}
$('logout').addEventListener('click', async () => { state.stopLive(); await leave(); leaveBoard(); });
$('add').addEventListener('click', () => { $('add-form').hidden = false; $('add-form').querySelector('input')?.focus(); });
$('add-cancel').addEventListener('click', () => { $('add-form').hidden = true; });
$('token-close').addEventListener('click', () => { $('token').hidden = true; $('snippet').textContent = ''; });
$('copy').addEventListener('click', async () => {
    try {
        await navigator.clipboard.writeText($('snippet').textContent ?? '');
        $('copy').textContent = 'Copied';
    } catch {
        getSelection()?.selectAllChildren($('snippet')); // plain http has no clipboard: select it instead
        $('copy').textContent = 'Selected; press Ctrl+C';
    }
    setTimeout(() => { $('copy').textContent = 'Copy'; }, 2000);
});
for (const range of RANGES.keys()) {
    const button = make('button', { type: 'button', textContent: range });
    button.addEventListener('click', () => {
        state.range = range;
        choose(state.device, state.variable);
        state.points = [];
        markRange();
        void loadHistory();
    });
    $('ranges').append(button);
}
function markRange() {
    for (const button of $('ranges').children) button.setAttribute('aria-pressed', String(button.textContent === state.range));
}
{
    const view = new URLSearchParams(location.hash.slice(1));
    state.device = view.get('device') ?? '';
    state.variable = view.get('variable') ?? '';
    if (RANGES.has(view.get('range') ?? '')) state.range = view.get('range') ?? '';
    markRange();
}
if (accessToken()) enterBoard().catch((error) => leaveBoard(error instanceof ApiError && error.status === 401 ? undefined : sentence(error)));
else show('login');
