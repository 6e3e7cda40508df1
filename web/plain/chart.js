// @ts-check
// A line over time on a canvas: axes with round numbers, the unit, a crosshair for mouse and keyboard.

/** @typedef {{t: number, v: number}} Point  t: milliseconds */

const LEFT = 58, RIGHT = 12, TOP = 22, BOTTOM = 26;
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000];

/** The round number at or above x of the form {1, 2, 5} * 10^n. @param {number} x */
function roundStep(x) {
    const power = 10 ** Math.floor(Math.log10(x));
    const lead = x / power;
    return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power;
}

/** @param {number} value @param {number} step */
function formatTick(value, step) {
    const digits = Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9)));
    if (Math.abs(value) >= 1e6 || step < 1e-6) return value.toExponential(2);
    return value.toFixed(digits);
}

/** @param {number} t @param {number} stepSeconds */
function formatTime(t, stepSeconds) {
    const at = new Date(t);
    if (stepSeconds >= 86400) return at.toLocaleDateString([], { day: 'numeric', month: 'short' });
    if (stepSeconds >= 60 && at.getHours() === 0 && at.getMinutes() === 0) {
        return at.toLocaleDateString([], { day: 'numeric', month: 'short' });
    }
    return at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', ...(stepSeconds < 60 ? { second: '2-digit' } : {}) });
}

/** First point at or after t. @param {Point[]} points @param {number} t */
function lowerBound(points, t) {
    let low = 0, high = points.length;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (points[middle].t < t) low = middle + 1;
        else high = middle;
    }
    return low;
}

export class Chart {
    /** @param {HTMLCanvasElement} canvas @param {(point: Point | null) => void} onPick */
    constructor(canvas, onPick) {
        this.canvas = canvas;
        this.onPick = onPick;
        /** @type {Point[]} */
        this.points = [];
        this.from = 0;
        this.to = 1;
        this.unit = '';
        this.picked = -1;
        this.asked = 0;
        new ResizeObserver(() => this.redraw()).observe(canvas);
        matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.redraw());
        canvas.addEventListener('pointermove', (event) => this.pick(this.nearest(event.offsetX)));
        canvas.addEventListener('pointerleave', () => this.pick(-1));
        canvas.addEventListener('blur', () => this.pick(-1));
        canvas.addEventListener('keydown', (event) => this.onKey(event));
    }

    /** @param {Point[]} points ascending @param {number} from @param {number} to @param {string} unit */
    show(points, from, to, unit) {
        Object.assign(this, { points, from, to, unit });
        if (this.picked >= points.length) this.pick(-1);
        this.redraw();
    }

    /** Pixels on the next frame, once, however many values arrive before it. */
    redraw() {
        this.asked ||= requestAnimationFrame(() => { this.asked = 0; this.draw(); });
    }

    /** @param {number} x */
    nearest(x) {
        const width = this.canvas.clientWidth - LEFT - RIGHT;
        const t = this.from + (x - LEFT) / width * (this.to - this.from);
        const after = lowerBound(this.points, t);
        const before = after - 1;
        if (after >= this.points.length) return before;
        if (before < 0) return after;
        return t - this.points[before].t < this.points[after].t - t ? before : after;
    }

    /** @param {number} index */
    pick(index) {
        this.picked = index;
        this.onPick(this.points[index] ?? null);
        this.redraw();
    }

    /** @param {KeyboardEvent} event */
    onKey(event) {
        const last = this.points.length - 1;
        const at = this.picked < 0 ? last : this.picked;
        const page = Math.max(1, Math.round(last / 20));
        /** @type {Record<string, number>} */
        const to = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - page, PageDown: at + page, Home: 0, End: last };
        if (last < 0 || !(event.key in to)) return;
        event.preventDefault();
        this.pick(Math.max(0, Math.min(last, to[event.key])));
    }

    valueRange() {
        let low = Infinity, high = -Infinity;
        for (const { v } of this.points) {
            if (v < low) low = v;
            if (v > high) high = v;
        }
        if (low > high) return { low: 0, high: 1 };
        const air = (high - low || Math.abs(high) || 1) * 0.08;
        return { low: low - air, high: high + air };
    }

    draw() {
        const { canvas } = this;
        const width = canvas.clientWidth, height = canvas.clientHeight;
        const context = canvas.getContext('2d');
        if (!width || !context) return;
        const scale = devicePixelRatio || 1;
        canvas.width = Math.round(width * scale);
        canvas.height = Math.round(height * scale);
        context.scale(scale, scale);
        const style = getComputedStyle(canvas);
        const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
        const { low, high } = this.valueRange();
        const x = (/** @type {number} */ t) => LEFT + (t - this.from) / (this.to - this.from) * (width - LEFT - RIGHT);
        const y = (/** @type {number} */ v) => TOP + (high - v) / (high - low) * (height - TOP - BOTTOM);
        context.font = '12px system-ui, sans-serif';
        this.drawAxes(context, width, height, { low, high, x, y, ink: colour('--quiet'), grid: colour('--grid') });
        this.drawLine(context, { x, y, ink: colour('--accent') });
        const point = this.points[this.picked];
        if (!point) return;
        context.strokeStyle = colour('--quiet');
        context.lineWidth = 1;
        context.beginPath();
        context.moveTo(x(point.t), TOP);
        context.lineTo(x(point.t), height - BOTTOM);
        context.stroke();
        context.fillStyle = colour('--ink');
        context.beginPath();
        context.arc(x(point.t), y(point.v), 4, 0, 2 * Math.PI);
        context.fill();
    }

    /** @param {CanvasRenderingContext2D} context @param {number} width @param {number} height
     *  @param {{low: number, high: number, x: (t: number) => number, y: (v: number) => number, ink: string, grid: string}} axes */
    drawAxes(context, width, height, { low, high, x, y, ink, grid }) {
        context.strokeStyle = grid;
        context.fillStyle = ink;
        context.lineWidth = 1;
        context.textAlign = 'right';
        context.textBaseline = 'middle';
        const step = roundStep((high - low) / Math.max(2, (height - TOP - BOTTOM) / 48));
        for (let n = Math.ceil(low / step); n * step <= high; n++) {
            const at = Math.round(y(n * step)) + 0.5;
            context.beginPath();
            context.moveTo(LEFT, at);
            context.lineTo(width - RIGHT, at);
            context.stroke();
            context.fillText(formatTick(n * step, step), LEFT - 6, at);
        }
        context.textAlign = 'left';
        if (this.unit) context.fillText(this.unit, 4, 9);
        context.textAlign = 'center';
        const wanted = (this.to - this.from) / 1000 / Math.max(2, (width - LEFT - RIGHT) / 90);
        const seconds = STEPS_S.find((candidate) => candidate >= wanted) ?? STEPS_S[STEPS_S.length - 1];
        const zone = new Date(this.from).getTimezoneOffset() * 60_000; // whole hours and days of the reader's clock
        for (let t = Math.ceil((this.from - zone) / (seconds * 1000)) * seconds * 1000 + zone; t <= this.to; t += seconds * 1000) {
            const at = Math.round(x(t)) + 0.5;
            context.beginPath();
            context.moveTo(at, TOP);
            context.lineTo(at, height - BOTTOM + 4);
            context.stroke();
            if (at > LEFT + 16 && at < width - RIGHT - 16) context.fillText(formatTime(t, seconds), at, height - 10);
        }
    }

    /** @param {CanvasRenderingContext2D} context
     *  @param {{x: (t: number) => number, y: (v: number) => number, ink: string}} scale */
    drawLine(context, { x, y, ink }) {
        const { points } = this;
        if (!points.length) return;
        const gaps = points.slice(1).map((point, i) => point.t - points[i].t).sort((a, b) => a - b);
        // Silence is shown, not bridged. Thinned points lie unevenly, so a fortieth of the range is no silence yet.
        const gap = Math.max(10 * (gaps[gaps.length >> 1] ?? 0), (this.to - this.from) / 40);
        context.strokeStyle = ink;
        context.fillStyle = ink;
        context.lineWidth = 1.6;
        context.lineJoin = 'round';
        context.beginPath();
        points.forEach((point, i) => {
            if (i === 0 || point.t - points[i - 1].t > gap) context.moveTo(x(point.t), y(point.v));
            else context.lineTo(x(point.t), y(point.v));
        });
        context.stroke();
        if (points.length > 60) return;
        for (const point of points) {
            context.beginPath();
            context.arc(x(point.t), y(point.v), 2.2, 0, 2 * Math.PI);
            context.fill();
        }
    }
}
