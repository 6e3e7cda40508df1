// @ts-check
// The client: one function per question, tokens renewed once when they end, every failure an ApiError
// whose message is the server's own sentence.

const BASE = '/api/v1';
const KEY = 'sensorvision.session';

export class ApiError extends Error {
    /** @param {number} status 0: the server could not be reached @param {string} message
     *  @param {Record<string, string>} [errors] by field */
    constructor(status, message, errors) {
        super(message);
        this.status = status;
        this.errors = errors ?? {};
    }
}

/** Tokens live as long as the tab; nothing is written where another site or a later visitor reads it.
 *  @type {{accessToken: string, refreshToken: string} | null} */
let session = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
/** @type {Promise<boolean> | null} */
let renewing = null;

/** @param {typeof session} next */
function keep(next) {
    session = next && { accessToken: next.accessToken, refreshToken: next.refreshToken };
    if (session) sessionStorage.setItem(KEY, JSON.stringify(session));
    else sessionStorage.removeItem(KEY);
}

export const hasSession = () => session !== null;
export const accessToken = () => session?.accessToken ?? '';
export const forget = () => keep(null);

/** @param {string} method @param {string} path @param {unknown} [body] @param {boolean} [bare] */
async function send(method, path, body, bare) {
    /** @type {Record<string, string>} */
    const headers = { accept: 'application/json' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (session && !bare) headers.authorization = `Bearer ${session.accessToken}`;
    try {
        return await fetch(BASE + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    } catch {
        throw new ApiError(0, 'The server cannot be reached. Is it running, and are you online?');
    }
}

/** One renewal at a time, whoever asks: a refresh token is good for a single use. */
function renew() {
    renewing ??= (async () => {
        const answer = await send('POST', '/auth/refresh', { refreshToken: session?.refreshToken }, true);
        if (!answer.ok) return false;
        keep(await answer.json());
        return true;
    })().finally(() => { renewing = null; });
    return renewing;
}

/** @param {string} method @param {string} path @param {unknown} [body] */
export async function call(method, path, body) {
    let answer = await send(method, path, body);
    if (answer.status === 401 && session && await renew()) answer = await send(method, path, body);
    const text = await answer.text();
    /** @type {any} */
    let data = null;
    try {
        data = text ? JSON.parse(text) : null;
    } catch {
        throw new ApiError(answer.status, `The server answered ${answer.status} with something that is not JSON.`);
    }
    if (answer.ok) return data;
    throw new ApiError(answer.status, data?.detail ?? data?.title ?? `The server answered ${answer.status}.`, data?.errors);
}

/** @param {string} path @param {Record<string, string>} fields */
export async function enter(path, fields) {
    keep(null);
    keep(await call('POST', path, fields));
}

export async function leave() {
    try {
        await call('POST', '/auth/logout', { refreshToken: session?.refreshToken });
    } catch { /* the session is given up on this side in any case */ }
    keep(null);
}

/** A token that still holds for the socket's handshake. */
export async function freshToken() {
    const [, payload] = accessToken().split('.');
    try {
        const claims = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
        if (claims.exp * 1000 < Date.now() + 30_000) await renew();
    } catch { /* an unreadable token is the server's to refuse */ }
    return accessToken();
}
