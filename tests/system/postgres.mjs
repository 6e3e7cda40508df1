// A real PostgreSQL for system tests: a cluster of its own in a temporary directory, spoken to through its
// socket there, stopped by its pid; SV_POSTGRES_LOG names a file for what it says. As
// tests/helpers/postgres_server.c does it for C.
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const PLACES = [new URL('../../build/tools/postgresql-15/usr/lib/postgresql/15/bin', import.meta.url).pathname, '/usr/lib/postgresql/15/bin'];
const BIN = PLACES.find((place) => existsSync(join(place, 'postgres')));
const PSQL = PLACES.map((place) => join(place, 'psql')).find(existsSync); // of another package than the server
const START_DEADLINE_MS = 60_000;

// PostgreSQL refuses to run as root.
function nobody() {
    if (process.getuid() !== 0) return {};
    const id = (flag) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
    return { uid: id('-u'), gid: id('-g') };
}

export const postgresIsHere = BIN !== undefined && PSQL !== undefined;

const running = new Set();
process.on('exit', () => { for (const server of running) server.child?.kill('SIGQUIT'); });

// options: durable (fsync on), settings {name: value}, initdb [argument]
export async function startPostgres(options = {}) {
    const server = new Postgres(options);
    await server.start();
    return server;
}

class Postgres {
    constructor({ durable = false, settings = {}, initdb = [] }) {
        this.as = nobody();
        this.dir = mkdtempSync(join(tmpdir(), 'sensorvision-postgres-'));
        if (this.as.uid !== undefined) chownSync(this.dir, this.as.uid, this.as.gid);
        this.url = `postgres://sensorvision@/postgres?host=${encodeURIComponent(this.dir)}${settings.port ? `&port=${settings.port}` : ''}`;
        this.settings = { listen_addresses: '', unix_socket_directories: this.dir, max_connections: 100, shared_buffers: '128MB',
            max_wal_size: '1GB', fsync: durable ? 'on' : 'off', ...settings };
        execFileSync(join(BIN, 'initdb'), ['-D', join(this.dir, 'data'), '-U', 'sensorvision', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C', ...initdb],
            { stdio: 'ignore', cwd: this.dir, ...this.as });
        running.add(this);
    }

    async start() {
        const args = ['-D', join(this.dir, 'data'), ...Object.entries(this.settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
        const log = process.env.SV_POSTGRES_LOG ? openSync(process.env.SV_POSTGRES_LOG, 'a') : 'ignore';
        this.child = spawn(join(BIN, 'postgres'), args, { stdio: ['ignore', 'ignore', log], cwd: this.dir, ...this.as });
        this.child.unref();
        this.ended = once(this.child, 'close');
        for (const end = Date.now() + START_DEADLINE_MS; ;) {
            try {
                this.ask('SELECT 1');
                return;
            } catch (e) {
                if (Date.now() > end) throw e;
            }
            await new Promise((resolve) => { setTimeout(resolve, 30); });
        }
    }

    // What psql prints, rows and columns without decoration.
    ask(sql, url = this.url) {
        return execFileSync(PSQL, ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', sql],
            { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
    }

    // pg_dump, pg_restore, …: of psql's package.
    tool(name, args) {
        execFileSync(join(dirname(PSQL), name), args, { stdio: ['ignore', 'ignore', 'pipe'] });
    }

    askIn(name, sql) {
        return this.ask(sql, this.urlOf(name));
    }

    urlOf(name) {
        return this.url.replace('@/postgres?', `@/${name}?`);
    }

    database(name) {
        this.ask(`CREATE DATABASE ${name}`);
        return this.urlOf(name);
    }

    // SIGINT: fast; SIGQUIT: immediate, as a crash; SIGKILL is not for the one parent of all its processes.
    async end(signal = 'SIGINT') {
        this.child.ref();
        this.child.kill(signal);
        await this.ended;
    }

    async stop() {
        await this.end();
        running.delete(this);
        rmSync(this.dir, { recursive: true, force: true });
    }
}
