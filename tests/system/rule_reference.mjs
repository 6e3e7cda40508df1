// What a rule raises and resolves over readings [[milliseconds, value], …] in the order of their times, as
// docs say it in words and independent of the server: [{raised, resolved (null: open), value}].
const holds = { GT: (v, t) => v > t, GTE: (v, t) => v >= t, LT: (v, t) => v < t, LTE: (v, t) => v <= t, EQ: (v, t) => v === t };

export function reference(rule, readings) {
    const alerts = [];
    const op = holds[rule.operator];
    let open = null, since = null, last = -Infinity;
    for (const [at, value] of readings) {
        const on = op(value, rule.threshold);
        since = on ? since ?? at : null;
        if (open) {
            if (op(value, rule.clearThreshold ?? rule.threshold)) continue;
            open.resolved = at;
            open = null;
        } else if (on && at - since >= (rule.forSeconds ?? 0) * 1000 && at - last >= (rule.cooldownMinutes ?? 5) * 60_000) {
            last = at;
            alerts.push(open = { raised: at, resolved: null, value });
        }
    }
    return alerts;
}
