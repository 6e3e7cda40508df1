// A load on everything that is read through a cache, in which every answer is checked: each thing has one
// writer that counts upward and many readers. A reader notes what was acknowledged, asks, and must see that
// or later, never what was not written yet, and never another organisation's.
import { setTimeout as pause } from 'node:timers/promises';

const HOUR = 3600_000;
export const percentile = (times, p) => [...times].sort((a, b) => a - b)[Math.floor((times.length - 1) * p)] ?? 0;

// Numbers like "org1 v17" in an answer; NaN when there is none, or another's.
function versionIn(text, tag) {
    const all = [...text.matchAll(/(o\d+x) v(\d+)/g)];
    return all.length && all.every(([, whose]) => whose === tag) ? Math.max(...all.map(([, , n]) => Number(n))) : NaN;
}

export class CacheLoad {
    // at: server for a request, one of several over the same store.
    constructor(servers) { this.servers = Array.isArray(servers) ? servers : [servers]; this.things = []; this.turn = 0; }
    get server() { return this.servers[0]; }

    async prepare(orgs = 2) {
        this.start = Math.floor((Date.now() - 50 * HOUR) / HOUR) * HOUR;
        for (let o = 0; o < orgs; o++) {
            const tag = `o${o}x`, me = await this.server.register(), token = me.accessToken;
            const thing = (write, reads) => this.things.push({ tag, token, acknowledged: 0, issued: 0, write, reads });
            const text = (n) => `${tag} v${n}`;
            const seen = (path) => [path, (answer) => versionIn(answer.text, tag)];
            const { apiToken } = await this.server.device(token, 'd');
            await this.server.ok('POST', `/ingest/d`, { device: apiToken, body: { n: 0, late: 1 } });
            thing((n) => ['PUT', '/devices/d', { token, body: { name: text(n) } }], [seen('/devices'), seen('/devices/d')]);
            thing((n) => ['PUT', `/users/${me.userId}`, { token, body: { firstName: text(n) } }], [seen('/users'), seen(`/users/${me.userId}`), seen('/auth/me')]);
            thing((n) => ['PUT', `/organizations/${me.organizationId}`, { token, body: { description: text(n) } }], [seen(`/organizations/${me.organizationId}`)]);
            thing((n) => ['POST', '/ingest/d', { device: apiToken, body: { n } }], [
                [() => `/data/query?deviceId=d&variables=n&from=${Date.now() - HOUR}&to=${Date.now() + 60_000}`, ({ json }) => Math.max(...json.map((row) => row.n))],
                ['/devices/d/telemetry?limit=3&variables=n', ({ json }) => json[0].n]]);
            thing((n) => ['POST', '/devices', { token, body: { externalId: `${tag}-${n}` } }], [
                ['/pilot/usage', ({ json }) => json.data.deviceCount - 1], ['/devices', ({ json }) => json.length - 1]]);
            const hours = `/analytics/aggregate?deviceId=d&variable=late&aggregation=COUNT&from=${this.start}&to=${this.start + 48 * HOUR}&interval=1h`;
            thing((n) => ['POST', '/data/bulk', { device: apiToken, body: [{ deviceId: 'd', timestamp: this.start + 7 * HOUR + n, variables: { late: 1 } }] }], [
                [hours, ({ json }) => json.reduce((sum, bucket) => sum + bucket.value, 0)]]);
        }
        return this;
    }

    call(...args) { return this.servers[this.turn++ % this.servers.length].call(...args); }

    // Everything twice, while nobody writes: what was read is not read again.
    async visit() {
        for (const { token, reads } of this.things)
            for (const [path] of reads)
                for (let i = 0; i < 2; i++) await this.call('GET', typeof path === 'string' ? path : path(), { token });
    }

    async run(ms, { readers = 6, writeEvery = 6 } = {}) {
        const end = Date.now() + ms, times = [], wrong = [];
        const figures = { reads: 0, writes: 0, failed: 0, stale: 0, foreign: 0, retried: 0 };
        const write = async (thing) => {
            const n = ++thing.issued;
            let answer = await this.call(...thing.write(n));
            for (; answer.status === 503 && answer.headers.get('retry-after') && Date.now() < end + 30_000; figures.retried++) { // a disk that stalls
                await pause(200);
                answer = await this.call(...thing.write(n));
            }
            figures.writes++;
            const made = answer.status === 409 && figures.retried; // by a try whose answer was a 503
            if (answer.status >= 300 && !made) { figures.failed++; wrong.push(`${answer.status} ${answer.text.slice(0, 200)}`); } else thing.acknowledged = n;
        };
        const read = async (thing) => {
            const [path, version] = thing.reads[Math.floor(Math.random() * thing.reads.length)];
            const least = thing.acknowledged, begin = performance.now();
            const answer = await this.call('GET', typeof path === 'string' ? path : path(), { token: thing.token });
            times.push(performance.now() - begin);
            figures.reads++;
            if (answer.status !== 200) { figures.failed++; wrong.push(`${answer.status} ${answer.text.slice(0, 200)}`); return; }
            const got = least || !Number.isNaN(version(answer)) ? version(answer) : 0;
            const bad = Number.isNaN(got) ? 'foreign' : got < least || got > thing.issued ? 'stale' : undefined;
            if (bad) { figures[bad]++; wrong.push(`${bad}: ${answer.text.slice(0, 200)} is ${got}, at least ${least}, at most ${thing.issued}`); }
        };
        await Promise.all([
            ...this.things.map(async (thing) => { while (Date.now() < end) { await write(thing); await pause(Math.random() * writeEvery * 4); } }),
            ...Array.from({ length: readers }, async () => { while (Date.now() < end) await read(this.things[Math.floor(Math.random() * this.things.length)]); })]);
        return { ...figures, p50: percentile(times, 0.5), p99: percentile(times, 0.99), wrong: wrong.slice(0, 3) };
    }
}

export const wrongOf = ({ failed, stale, foreign, wrong }) => ({ failed, stale, foreign, wrong });
export const NOTHING_WRONG = { failed: 0, stale: 0, foreign: 0, wrong: [] };
