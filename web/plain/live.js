// @ts-check
// The live socket: comes back by itself, and says when it has, so that the page can fill the gap.

const FIRST_WAIT_MS = 500, LONGEST_WAIT_MS = 30_000;

/** @typedef {{token: () => Promise<string>, onFrame: (frame: any) => void, onOpen: () => void,
 *  onState: (state: 'live' | 'connecting' | 'waiting' | 'offline', seconds: number) => void,
 *  onRefused: (reason: string) => void}} LiveHandlers */

/** @param {LiveHandlers} handlers @returns {() => void} stops it */
export function startLive(handlers) {
    /** @type {WebSocket | null} */
    let socket = null;
    let attempts = 0;
    let stopped = false;
    let timer = 0;

    async function connect() {
        clearTimeout(timer);
        if (stopped || socket) return;
        if (!navigator.onLine) { handlers.onState('offline', 0); return; }
        handlers.onState('connecting', 0);
        let token = '';
        try {
            token = await handlers.token();
        } catch { /* without a server there is none: the socket will fail and we come back */ }
        if (stopped || socket) return;
        const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
        const opened = new WebSocket(`${scheme}://${location.host}/ws/telemetry?token=${encodeURIComponent(token)}`);
        socket = opened;
        let since = 0;
        opened.onopen = () => {
            since = Date.now();
            handlers.onState('live', 0);
            handlers.onOpen();
        };
        opened.onmessage = (event) => {
            try {
                handlers.onFrame(JSON.parse(event.data));
            } catch (error) {
                console.warn('a frame could not be shown', error);
            }
        };
        opened.onclose = (event) => {
            socket = null;
            if (stopped) return;
            if (event.code === 1008) { handlers.onRefused(event.reason); return; }
            if (since && Date.now() - since > 10_000) attempts = 0; // it had been good: come back at once
            again();
        };
    }

    function again() {
        const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempts++);
        const wait = most * (0.5 + Math.random() / 2); // so that a thousand pages do not come back together
        handlers.onState(navigator.onLine ? 'waiting' : 'offline', Math.ceil(wait / 1000));
        timer = setTimeout(connect, wait);
    }

    const online = () => { attempts = 0; void connect(); };
    const offline = () => {
        clearTimeout(timer);
        if (socket) socket.onclose = null; // nobody may answer the farewell; do not wait for it
        socket?.close();
        socket = null;
        handlers.onState('offline', 0);
    };
    addEventListener('online', online);
    addEventListener('offline', offline);
    void connect();
    return () => {
        stopped = true;
        clearTimeout(timer);
        removeEventListener('online', online);
        removeEventListener('offline', offline);
        socket?.close();
    };
}
