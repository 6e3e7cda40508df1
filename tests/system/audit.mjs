// Everything that changes anything leaves its event, with who, from where, in which request. One line for
// each route that is no GET: the type of its event, or why there is none. A route without a line fails the
// matrix, which plays each with ids of the caller's own and reads the trail.
//
//   'TYPE'                      exactly one event of this type in the caller's organisation
//   { event, body(world) }      the same; the body when the row of routes.mjs has none that is good
//   { event, play(world, id) }  plays by itself, with this request id: {answer, headers to read with, actor}
//   { event, times }            one for each of several things that one request changes
//   { none: 'why' }
const V1 = '/api/v1';
const TELEMETRY = { none: 'telemetry: what a device says is no act of administration; what it makes is (see below)' };
const ANSWERS = { none: 'answers, changes nothing' };
const PASSWORD = 'a long enough password';
let made = 0;
const fresh = () => `audit-${made += 1}`;

// A user of the caller's organisation, logged in.
async function person({ server, token }) {
    const username = fresh();
    await server.ok('POST', '/users', { token, body: { username, email: `${username}@example.org`, password: PASSWORD } });
    return { username, token: await server.login(username, PASSWORD) };
}
const ofPerson = (method, path, body) => async (world, id) => {
    const { username, token } = await person(world);
    return { answer: await world.server.call(method, path, { token, body, headers: { 'x-request-id': id } }), actor: `user:${username}` };
};
const invite = ({ server, token }) => server.ok('POST', '/organizations/invitations', { token, body: { email: `${fresh()}@example.org` } });
// A fresh device, given a fresh tag or group: one that has it already would change nothing.
const labelled = (kind) => async ({ server, token }, id) => {
    const label = await server.ok('POST', `/device-${kind}`, { token, body: { name: fresh() } });
    const device = await server.device(token);
    return { answer: await server.call('POST', `/device-${kind}/${label.id}/devices/${device.externalId}`, { token, headers: { 'x-request-id': id } }) };
};

export const EVENTS = {
    [`POST ${V1}/ingest/{}`]: TELEMETRY,
    [`POST ${V1}/data/ingest`]: TELEMETRY,
    [`POST ${V1}/data/ingest/bulk`]: TELEMETRY,
    [`POST ${V1}/data/ingest/{}`]: TELEMETRY,
    [`POST ${V1}/data/bulk`]: TELEMETRY,
    [`POST ${V1}/data/{}/{}`]: TELEMETRY,
    [`POST /api/v2/write`]: TELEMETRY,
    [`POST ${V1}/write`]: TELEMETRY,
    [`POST /write`]: TELEMETRY,
    [`POST ${V1}/import/telemetry/csv`]: TELEMETRY,
    [`POST ${V1}/import/telemetry/json`]: TELEMETRY,
    [`POST ${V1}/analytics/aggregate/batch`]: ANSWERS,
    ...Object.fromEntries(['telemetry', 'devices', 'events'].map((what) => [`POST ${V1}/export/${what}/excel`, ANSWERS])),

    // accounts
    [`POST ${V1}/auth/register`]: { event: 'USER_REGISTERED', play: async ({ server }, id) => {
        const username = fresh();
        const answer = await server.call('POST', '/auth/register', { headers: { 'x-request-id': id }, body: { username, email: `${username}@example.org`, password: PASSWORD } });
        return { answer, read: answer.json.accessToken, actor: `user:${username}` };
    } },
    [`POST ${V1}/auth/login`]: { event: 'LOGIN_SUCCEEDED', play: async (world, id) => {
        const { username } = await person(world);
        return { answer: await world.server.call('POST', '/auth/login', { headers: { 'x-request-id': id }, body: { username, password: PASSWORD } }), actor: `user:${username}` };
    } },
    [`POST ${V1}/auth/refresh`]: { none: 'keeps a login going that has its event; an old token used again has SESSION_REUSED' },
    [`POST ${V1}/auth/logout`]: { event: 'LOGOUT', play: ofPerson('POST', '/auth/logout') },
    [`POST ${V1}/auth/change-password`]: { event: 'PASSWORD_CHANGED', play: ofPerson('POST', '/auth/change-password', { currentPassword: PASSWORD, newPassword: `${PASSWORD} 2` }) },
    [`POST ${V1}/auth/forgot-password`]: { event: 'PASSWORD_RESET_REQUESTED', play: async (world, id) => {
        const { username } = await person(world);
        return { answer: await world.server.call('POST', '/auth/forgot-password', { headers: { 'x-request-id': id }, body: { email: `${username}@example.org` } }), actor: 'anonymous' };
    } },
    [`POST ${V1}/auth/reset-password`]: { none: 'PASSWORD_RESET, which takes a token of a mail: auth_accounts_test.c' },
    [`PUT ${V1}/auth/preferences`]: { event: 'USER_UPDATED', body: () => ({ themePreference: 'dark' }) },
    [`POST ${V1}/auth/invitation`]: ANSWERS,
    [`POST ${V1}/auth/accept-invitation`]: { event: 'INVITATION_ACCEPTED', play: async (world, id) => {
        const username = fresh();
        const { token } = await invite(world);
        return { answer: await world.server.call('POST', '/auth/accept-invitation', { headers: { 'x-request-id': id }, body: { token, username, password: PASSWORD } }), actor: `user:${username}` };
    } },
    [`POST ${V1}/api-keys`]: { event: 'API_KEY_CREATED', body: () => ({ name: fresh() }) },
    [`POST ${V1}/api-keys/{}/rotate`]: 'API_KEY_ROTATED',
    [`DELETE ${V1}/api-keys/{}`]: 'API_KEY_REVOKED',

    // people
    [`POST ${V1}/users`]: { event: 'USER_REGISTERED', body: () => { const username = fresh(); return { username, email: `${username}@example.org`, password: PASSWORD }; } },
    [`PUT ${V1}/users/{}`]: 'USER_UPDATED',
    [`PATCH ${V1}/users/{}`]: 'USER_UPDATED',
    [`DELETE ${V1}/users/{}`]: 'USER_DELETED',
    [`POST ${V1}/users/{}/restore`]: 'USER_RESTORED',
    ...Object.fromEntries(['', '/enable', '/disable', '/roles'].map((what) => [`PUT ${V1}/admin/users/{}${what}`, { none: 'USER_UPDATED: people.test.mjs' }])),
    [`DELETE ${V1}/admin/users/{}`]: { none: 'USER_DELETED: people.test.mjs' },
    [`PUT ${V1}/organizations/{}`]: 'ORGANIZATION_UPDATED',
    [`DELETE ${V1}/organizations/{}`]: { none: 'ORGANIZATION_DELETED, in the trail of the installation: organizations.test.mjs' },
    [`POST ${V1}/organizations/{}/restore`]: { none: 'ORGANIZATION_RESTORED, the same' },
    [`PUT ${V1}/organizations/{}/retention`]: 'RETENTION_CHANGED',
    [`DELETE ${V1}/pilot/performance/cache`]: { none: 'CACHE_CLEARED, in the trail of who did it: performance.test.mjs' },
    [`DELETE ${V1}/pilot/performance/cache/{}`]: { none: 'the same' },
    [`POST ${V1}/pilot/performance/telemetry/flush`]: { none: 'TELEMETRY_FLUSHED, the same' },
    [`PUT ${V1}/pilot/performance/thresholds`]: { none: 'CONFIG_CHANGED, in the trail of the installation: advice.test.mjs' },
    [`POST ${V1}/pilot/performance/recommendations/{}/apply`]: { none: 'RECOMMENDATION_APPLIED, in the trail of who did it: advice.test.mjs' },
    [`POST ${V1}/pilot/performance/recommendations/{}/undo`]: { none: 'RECOMMENDATION_UNDONE, the same' },
    [`POST ${V1}/pilot/feedback`]: { event: 'FEEDBACK_GIVEN', body: () => ({ rating: 9, message: 'by the matrix' }) },
    [`POST ${V1}/pilot/limits/dry-run`]: ANSWERS,
    [`POST ${V1}/pilot/organizations`]: { none: 'ORGANIZATION_CREATED and more, in the trail of the new organisation: pilot.test.mjs' },
    [`PUT ${V1}/pilot/organizations/{}/limits`]: { none: 'LIMITS_CHANGED, in the trail of that organisation: pilot.test.mjs' },
    [`PUT ${V1}/pilot/organizations/{}/features`]: { none: 'FEATURES_CHANGED, the same' },
    [`PUT ${V1}/pilot/organizations/{}/retention`]: { none: 'RETENTION_CHANGED, the same' },
    [`POST ${V1}/users/{}/avatar`]: 'AVATAR_CHANGED',
    [`PUT ${V1}/users/{}/avatar`]: 'AVATAR_CHANGED',
    [`DELETE ${V1}/users/{}/avatar`]: 'AVATAR_REMOVED',
    [`POST ${V1}/organizations/invitations`]: { event: 'INVITATION_CREATED', body: () => ({ email: `${fresh()}@example.org` }) },
    [`POST ${V1}/organizations/invitations/{}/resend`]: 'INVITATION_RESENT',
    [`DELETE ${V1}/organizations/invitations/{}`]: 'INVITATION_REVOKED',

    // devices
    [`POST ${V1}/devices`]: 'DEVICE_CREATED',
    [`PUT ${V1}/devices/{}`]: 'DEVICE_UPDATED',
    [`PATCH ${V1}/devices/{}`]: 'DEVICE_UPDATED',
    [`DELETE ${V1}/devices/{}`]: 'DEVICE_DELETED',
    [`POST ${V1}/devices/{}/token/generate`]: 'DEVICE_TOKEN_CREATED',
    [`POST ${V1}/devices/{}/token/rotate`]: 'DEVICE_TOKEN_CREATED',
    [`POST ${V1}/devices/{}/rotate-token`]: 'DEVICE_TOKEN_CREATED',
    [`POST ${V1}/device-tokens/{}/generate`]: 'DEVICE_TOKEN_CREATED',
    [`POST ${V1}/device-tokens/{}/rotate`]: 'DEVICE_TOKEN_CREATED',
    [`DELETE ${V1}/device-tokens/{}`]: 'DEVICE_TOKEN_REVOKED',
    [`DELETE ${V1}/devices/{}/token`]: 'DEVICE_TOKEN_REVOKED',
    [`POST ${V1}/devices/{}/variables`]: 'VARIABLE_CREATED',
    [`POST ${V1}/variables`]: 'VARIABLE_CREATED',
    [`PUT ${V1}/devices/{}/variables/{}`]: 'VARIABLE_UPDATED',
    [`PUT ${V1}/variables/{}`]: 'VARIABLE_UPDATED',
    [`PATCH ${V1}/variables/{}`]: 'VARIABLE_UPDATED',
    [`POST ${V1}/devices/bulk`]: { event: 'DEVICE_UPDATED', play: async ({ server, token }, id) => {
        const device = await server.device(token);
        return { answer: await server.call('POST', '/devices/bulk', { token, headers: { 'x-request-id': id }, body: { deviceIds: [device.externalId], operation: 'DISABLE' } }) };
    } },
    [`POST ${V1}/import/devices/csv`]: { event: 'DEVICE_CREATED', play: async ({ server, token }, id) => {
        const headers = { 'x-request-id': id, 'content-type': 'text/csv' };
        return { answer: await server.call('POST', '/import/devices/csv', { token, headers, body: `externalId,name\n${fresh()},Imported\n` }) };
    } },
    [`POST ${V1}/devices/{}/restore`]: 'DEVICE_RESTORED',
    [`PUT ${V1}/locations/devices/{}`]: 'DEVICE_UPDATED',
    [`DELETE ${V1}/locations/devices/{}`]: 'DEVICE_UPDATED',
    [`POST ${V1}/device-tags`]: { event: 'DEVICE_TAG_CREATED', body: () => ({ name: fresh() }) },
    [`PUT ${V1}/device-tags/{}`]: 'DEVICE_TAG_UPDATED',
    [`DELETE ${V1}/device-tags/{}`]: 'DEVICE_TAG_DELETED',
    [`POST ${V1}/device-tags/{}/devices/{}`]: { event: 'DEVICE_UPDATED', play: labelled('tags') },
    [`DELETE ${V1}/device-tags/{}/devices/{}`]: 'DEVICE_UPDATED',
    [`POST ${V1}/device-groups`]: { event: 'DEVICE_GROUP_CREATED', body: () => ({ name: fresh() }) },
    [`PUT ${V1}/device-groups/{}`]: 'DEVICE_GROUP_UPDATED',
    [`DELETE ${V1}/device-groups/{}`]: 'DEVICE_GROUP_DELETED',
    [`POST ${V1}/device-groups/{}/devices/{}`]: { event: 'DEVICE_UPDATED', play: labelled('groups') },
    [`DELETE ${V1}/device-groups/{}/devices/{}`]: 'DEVICE_UPDATED',
    [`POST ${V1}/devices/{}/commands`]: 'COMMAND_QUEUED',
    [`POST ${V1}/devices/{}/commands/toggle`]: 'COMMAND_QUEUED',
    [`POST ${V1}/devices/{}/commands/set-value`]: 'COMMAND_QUEUED',

    // dashboards
    [`POST ${V1}/dashboards`]: 'DASHBOARD_CREATED',
    [`PUT ${V1}/dashboards/{}`]: 'DASHBOARD_UPDATED',
    [`PATCH ${V1}/dashboards/{}`]: 'DASHBOARD_UPDATED',
    [`DELETE ${V1}/dashboards/{}`]: 'DASHBOARD_DELETED',
    [`POST ${V1}/dashboards/{}/widgets`]: 'WIDGET_CREATED',
    [`PUT ${V1}/dashboards/{}/widgets/{}`]: 'WIDGET_UPDATED',
    [`PATCH ${V1}/dashboards/{}/widgets/{}`]: 'WIDGET_UPDATED',
    [`DELETE ${V1}/dashboards/{}/widgets/{}`]: 'WIDGET_DELETED',
    [`POST ${V1}/dashboards/{}/data`]: ANSWERS,
    [`POST ${V1}/dashboards/{}/shares`]: 'DASHBOARD_SHARED',
    [`DELETE ${V1}/dashboards/{}/shares/{}`]: 'DASHBOARD_SHARE_REVOKED',
    [`POST ${V1}/public/dashboards/{}/open`]: ANSWERS,
    [`POST ${V1}/public/dashboards/{}/data`]: ANSWERS,

    // rules and alerts
    [`POST ${V1}/rules`]: 'RULE_CREATED',
    [`PUT ${V1}/rules/{}`]: 'RULE_UPDATED',
    [`PATCH ${V1}/rules/{}`]: 'RULE_UPDATED',
    [`DELETE ${V1}/rules/{}`]: 'RULE_DELETED',
    [`POST ${V1}/alerts/{}/acknowledge`]: 'ALERT_ACKNOWLEDGED',
    [`POST ${V1}/alerts/{}/resolve`]: 'ALERT_RESOLVED',
    [`POST ${V1}/synthetic-variables`]: 'SYNTHETIC_VARIABLE_CREATED',
    [`PUT ${V1}/synthetic-variables/{}`]: 'SYNTHETIC_VARIABLE_UPDATED',
    [`PATCH ${V1}/synthetic-variables/{}`]: 'SYNTHETIC_VARIABLE_UPDATED',
    [`POST ${V1}/synthetic-variables/{}/enable`]: 'SYNTHETIC_VARIABLE_UPDATED',
    [`POST ${V1}/synthetic-variables/{}/disable`]: 'SYNTHETIC_VARIABLE_UPDATED',
    [`POST ${V1}/synthetic-variables/{}/backfill`]: 'SYNTHETIC_VARIABLE_BACKFILLED',
    [`DELETE ${V1}/synthetic-variables/{}`]: 'SYNTHETIC_VARIABLE_DELETED',
    [`POST ${V1}/synthetic-variables/validate`]: ANSWERS,
    [`POST ${V1}/global-rules`]: 'FLEET_RULE_CREATED',
    [`PUT ${V1}/global-rules/{}`]: 'FLEET_RULE_UPDATED',
    [`DELETE ${V1}/global-rules/{}`]: 'FLEET_RULE_DELETED',
    [`POST ${V1}/global-rules/{}/toggle`]: 'FLEET_RULE_UPDATED',
    [`POST ${V1}/global-rules/{}/evaluate`]: { none: 'evaluates as the clock does; an alert that comes of it has its event' },
    [`POST ${V1}/global-alerts/{}/acknowledge`]: 'ALERT_ACKNOWLEDGED',
    [`POST ${V1}/global-alerts/{}/resolve`]: { none: 'ALERT_RESOLVED, but the toggle before it has ended its alert already' },

    // notifications
    [`POST ${V1}/notifications/webhooks`]: { event: 'WEBHOOK_CREATED', body: () => ({ name: fresh(), url: 'https://example.org/hook' }) },
    [`PUT ${V1}/notifications/webhooks/{}`]: 'WEBHOOK_UPDATED',
    [`PATCH ${V1}/notifications/webhooks/{}`]: 'WEBHOOK_UPDATED',
    [`DELETE ${V1}/notifications/webhooks/{}`]: 'WEBHOOK_DELETED',
    [`POST ${V1}/notifications/webhooks/{}/secret`]: 'WEBHOOK_UPDATED',
    [`POST ${V1}/notifications/webhooks/{}/test`]: { none: 'sends a test; the log of deliveries has it' },
    [`POST ${V1}/notifications/preferences`]: { event: 'NOTIFICATION_PREFERENCE_SET', body: () => ({ channel: 'EMAIL', enabled: true }) },
    [`DELETE ${V1}/notifications/preferences/{}`]: 'NOTIFICATION_PREFERENCE_REMOVED',
    [`POST ${V1}/notifications/preferences/{}/test`]: { none: 'sends a test; the log of deliveries has it' },
};
