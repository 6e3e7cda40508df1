// Every route there is, once more: who may, and which fields carry an id. The matrix is generated from the
// server's own route table (GET /openapi.json) joined with these rows; a route without a row fails, so does
// a row without a route. Said here independently of the server, so that a wrong permission there shows.
//
//   who      as `x-who` in openapi.json, but from the contract
//   ids      {field: kind}: path parameters, and what query() or body() carry
//   query    ids => query string        body   ids => JSON body (or text)
//   creates  an unknown id is no error: a device is made in the caller's own organisation
//   skip     why this route has no place in the matrix of ids (it still has one in that of roles)

const V1 = '/api/v1';
const range = 'from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z';
const device = { deviceId: 'device' };
const widgetDevices = { deviceId: 'device', secondDeviceId: 'device' };
const aggregate = (ids) => `deviceId=${ids.deviceId}&variable=x&aggregation=AVG`;
const rule = (ids) => ({ name: 'by the matrix', deviceId: ids.deviceId, variable: 'x', operator: 'GT', threshold: 1e6 });
const fleetRule = (ids) => ({ name: 'by the matrix', selectorType: 'GROUP', selectorValue: ids.selectorValue, aggregationFunction: 'countDevices', operator: 'LT', threshold: 0 });
const record = (ids) => ({ deviceId: ids.deviceId, variables: { x: 1 } });

let made = 0; // names of devices that rows make

export const ROUTES = {
    // telemetry in
    [`POST ${V1}/ingest/{}`]: { who: 'sender', ids: ['device'], body: () => ({ x: 1 }), creates: true },
    [`POST ${V1}/data/ingest`]: { who: 'sender', ids: device, body: record, creates: true },
    [`POST ${V1}/data/ingest/bulk`]: { who: 'sender', ids: device, body: (ids) => ({ telemetry: [record(ids)] }), creates: true },
    [`POST ${V1}/data/ingest/{}`]: { who: 'sender', ids: ['device'], body: () => ({ variables: { x: 1 } }), creates: true },
    [`POST ${V1}/data/bulk`]: { who: 'sender', ids: device, body: (ids) => [record(ids)], creates: true },
    [`POST ${V1}/data/{}/{}`]: { who: 'sender', ids: ['device', 'name'], body: () => '5', creates: true },
    [`POST /api/v2/write`]: { who: 'sender', ids: device, text: (ids) => `telemetry,device=${ids.deviceId} x=1`, creates: true },
    [`POST ${V1}/write`]: { who: 'sender', ids: device, text: (ids) => `telemetry,device=${ids.deviceId} x=1`, creates: true },
    [`POST /write`]: { who: 'sender', ids: device, text: (ids) => `telemetry,device=${ids.deviceId} x=1`, creates: true },
    [`GET /ping`]: { who: 'anyone' },
    [`POST ${V1}/import/telemetry/csv`]: { who: 'sender', ids: device, text: (ids) => `deviceId,timestamp,x\n${ids.deviceId},${Date.now()},1\n`, creates: true },
    [`POST ${V1}/import/telemetry/json`]: { who: 'sender', ids: device, body: (ids) => [record(ids)], creates: true },

    // telemetry out
    [`GET ${V1}/data/query`]: { who: 'reader', ids: device, query: (ids) => `deviceId=${ids.deviceId}` },
    [`GET ${V1}/data/latest`]: { who: 'reader', ids: device, query: (ids) => `deviceIds=${ids.deviceId}`, lists: true },
    [`GET ${V1}/data/latest/{}`]: { who: 'reader', ids: ['device'] },
    [`GET ${V1}/devices/{}/telemetry`]: { who: 'reader', ids: ['device'] },
    [`GET ${V1}/analytics/aggregate`]: { who: 'reader', ids: device, query: aggregate },
    [`POST ${V1}/analytics/aggregate/batch`]: { who: 'reader', ids: device, body: (ids) => [{ deviceId: ids.deviceId, variable: 'x', aggregation: 'AVG' }], lists: true },
    [`GET ${V1}/analytics/fleet`]: { who: 'reader', query: () => `variable=x&aggregation=AVG&${range}&groupBy=device` },
    [`GET ${V1}/export/csv/{}`]: { who: 'reader', ids: ['device'] },
    [`GET ${V1}/export/json/{}`]: { who: 'reader', ids: ['device'] },
    [`GET /ws/telemetry`]: { who: 'live', skip: 'sockets have their own suite, live.test.mjs' },

    // operations
    [`GET /actuator/health`]: { who: 'anyone' },
    [`GET /actuator/health/liveness`]: { who: 'anyone' },
    [`GET /actuator/health/readiness`]: { who: 'anyone' },
    [`GET /actuator/info`]: { who: 'anyone' },
    [`GET /actuator/prometheus`]: { who: 'anyone' },
    [`GET /metrics`]: { who: 'anyone' },
    [`GET /openapi.json`]: { who: 'anyone' },
    [`GET /docs`]: { who: 'anyone' },

    // the pilot
    [`GET ${V1}/pilot/status`]: { who: 'user' },
    [`GET ${V1}/pilot/usage`]: { who: 'user' },
    [`POST ${V1}/pilot/feedback`]: { who: 'user', body: () => ({}) },
    [`GET ${V1}/pilot/feedback/summary`]: { who: 'pilotAdmin' },
    [`POST ${V1}/pilot/organizations`]: { who: 'pilotAdmin', body: () => ({}), skip: 'makes an organisation of its own: pilot.test.mjs' },
    [`GET ${V1}/pilot/refusals`]: { who: 'orgAdmin' },
    [`POST ${V1}/pilot/limits/dry-run`]: { who: 'orgAdmin', body: () => ({}) },
    [`GET ${V1}/pilot/analytics`]: { who: 'pilotAdmin' },
    [`GET ${V1}/pilot/analytics/organizations`]: { who: 'pilotAdmin', ids: { organizationId: 'organization' }, query: (ids) => `organizationId=${ids.organizationId}`, skip: 'who runs the pilot reaches each organisation' },
    [`GET ${V1}/pilot/features/{}`]: { who: 'user', skip: 'a feature is no thing of an organisation' },
    [`GET ${V1}/pilot/info`]: { who: 'anyone' },
    [`GET ${V1}/pilot/health`]: { who: 'anyone' },
    ...Object.fromEntries(['limits', 'retention', 'features'].flatMap((what) => ['GET', 'PUT'].map((method) => [`${method} ${V1}/pilot/organizations/{}/${what}`, {
        who: 'pilotAdmin', ids: ['organization'], body: method === 'PUT' ? () => ({}) : undefined, skip: 'who runs the pilot reaches each organisation: pilot.test.mjs' }]))),

    // the performance layer
    [`GET ${V1}/pilot/performance/metrics`]: { who: 'pilotAdmin' },
    [`GET ${V1}/pilot/performance/health`]: { who: 'pilotAdmin' },
    [`GET ${V1}/pilot/performance/cache/stats`]: { who: 'pilotAdmin' },
    [`DELETE ${V1}/pilot/performance/cache/{}`]: { who: 'pilotAdmin' },
    [`DELETE ${V1}/pilot/performance/cache`]: { who: 'pilotAdmin' },
    [`POST ${V1}/pilot/performance/telemetry/flush`]: { who: 'pilotAdmin' },
    [`GET ${V1}/pilot/performance/slow-queries`]: { who: 'pilotAdmin' },
    [`GET ${V1}/pilot/performance/thresholds`]: { who: 'pilotAdmin' },
    [`PUT ${V1}/pilot/performance/thresholds`]: { who: 'pilotAdmin', body: () => ({}) },
    [`GET ${V1}/pilot/performance/trends`]: { who: 'pilotAdmin' },
    [`GET ${V1}/pilot/performance/recommendations`]: { who: 'pilotAdmin' },
    [`POST ${V1}/pilot/performance/recommendations/{}/apply`]: { who: 'pilotAdmin', skip: 'a recommendation is no thing of an organisation' },
    [`POST ${V1}/pilot/performance/recommendations/{}/undo`]: { who: 'pilotAdmin', skip: 'the same' },

    // absent on purpose
    [`GET ${V1}/plugins`]: { who: 'user' },
    [`GET ${V1}/plugins/providers`]: { who: 'user' },
    [`GET ${V1}/data-plugins`]: { who: 'user' },
    ...Object.fromEntries(['plugins/installed', 'dashboard-templates', 'playlists', 'phone-numbers', 'sms-delivery-logs', 'support/issues', 'functions', 'email-templates', 'webhook-tests', 'ml/models', 'ml/models/deployed', 'ml/anomalies', 'ml/anomalies/new', 'ml/anomalies/critical', 'device-types', 'geofences', 'scheduled-reports', 'retention-policies/executions'].map((path) => [`GET ${V1}/${path}`, { who: 'user' }])),
    ...Object.fromEntries(['support/issues', 'canned-responses'].map((path) => [`GET ${V1}/admin/${path}`, { who: 'admin' }])),
    ...Object.fromEntries(['telemetry', 'devices', 'events'].map((what) => [`POST ${V1}/export/${what}/excel`, { who: 'reader', body: () => ({}), skip: 'refuses whoever asks for whatever: devices.test.mjs' }])),

    // devices
    [`GET ${V1}/devices`]: { who: 'reader' },
    // ids inside bodies: a device that is made with a label, or changed to have it
    [`POST ${V1}/devices`]: { who: 'writer', ids: { groupIds: 'group', tags: 'tag' }, body: (ids) => ({ externalId: `m-${++made}`, groupIds: [ids.groupIds], tags: [{ id: ids.tags }] }) },
    [`GET ${V1}/devices/{}`]: { who: 'reader', ids: ['device'] },
    [`PUT ${V1}/devices/{}`]: { who: 'writer', ids: { 0: 'device', groupIds: 'group', tags: 'tag' }, body: (ids) => ({ description: 'by the matrix', groupIds: [ids.groupIds], tags: [{ id: ids.tags }] }) },
    [`PATCH ${V1}/devices/{}`]: { who: 'writer', ids: ['device'], body: () => ({ description: 'by the matrix' }) },
    [`DELETE ${V1}/devices/{}`]: { who: 'orgAdmin', ids: ['device'], last: true },
    [`POST ${V1}/devices/{}/token/generate`]: { who: 'writer', ids: ['device'] },
    [`POST ${V1}/devices/{}/token/rotate`]: { who: 'writer', ids: ['device'] },
    [`POST ${V1}/devices/{}/rotate-token`]: { who: 'writer', ids: ['device'] },
    [`POST ${V1}/device-tokens/{}/generate`]: { who: 'writer', ids: ['device'] },
    [`POST ${V1}/device-tokens/{}/rotate`]: { who: 'writer', ids: ['device'] },
    [`GET ${V1}/device-tokens/{}`]: { who: 'writer', ids: ['device'] },
    [`DELETE ${V1}/device-tokens/{}`]: { who: 'writer', ids: ['device'] },
    [`GET ${V1}/devices/{}/token`]: { who: 'writer', ids: ['device'] },
    [`DELETE ${V1}/devices/{}/token`]: { who: 'writer', ids: ['device'] },
    [`GET ${V1}/devices/{}/variables`]: { who: 'reader', ids: ['device'] },
    [`GET ${V1}/devices/{}/variables/latest`]: { who: 'reader', ids: ['device'] },
    [`GET ${V1}/devices/{}/variables/{}`]: { who: 'reader', ids: ['device', 'variable'] },
    [`GET ${V1}/devices/{}/variables/{}/values`]: { who: 'reader', ids: ['device', 'variable'] },
    [`GET ${V1}/devices/{}/variables/{}/statistics`]: { who: 'reader', ids: ['device', 'variable'] },
    [`PUT ${V1}/devices/{}/variables/{}`]: { who: 'writer', ids: ['device', 'variable'], body: () => ({ description: 'by the matrix' }) },
    [`POST ${V1}/devices/{}/variables`]: { who: 'writer', ids: ['device'], body: () => ({ name: `made${++made}` }) },
    [`GET ${V1}/devices/{}/variables/{}/values/latest`]: { who: 'reader', ids: ['device', 'variable'] },
    [`GET ${V1}/variables`]: { who: 'reader' },
    [`POST ${V1}/variables`]: { who: 'writer', ids: device, body: (ids) => ({ deviceId: ids.deviceId, name: `made${++made}` }) },
    [`GET ${V1}/variables/{}/values/latest`]: { who: 'reader', ids: ['variable'] },
    [`GET ${V1}/variables/{}`]: { who: 'reader', ids: ['variable'] },
    [`GET ${V1}/variables/{}/values`]: { who: 'reader', ids: ['variable'] },
    [`GET ${V1}/variables/{}/statistics`]: { who: 'reader', ids: ['variable'] },
    [`PUT ${V1}/variables/{}`]: { who: 'writer', ids: ['variable'], body: () => ({ description: 'by the matrix' }) },
    [`PATCH ${V1}/variables/{}`]: { who: 'writer', ids: ['variable'], body: () => ({ description: 'by the matrix' }) },

    // many devices at once, their places, their way back
    [`POST ${V1}/devices/bulk`]: { who: 'writer', ids: { deviceIds: 'device', groupId: 'group' }, body: (ids) => ({ deviceIds: [ids.deviceIds], operation: 'ASSIGN_GROUP', parameters: { groupId: ids.groupId } }), lists: true },
    [`POST ${V1}/import/devices/csv`]: { who: 'writer', text: () => 'externalId,name\nm-imported,Imported\n' },
    [`POST ${V1}/devices/{}/restore`]: { who: 'orgAdmin', ids: ['trash'] },
    [`GET ${V1}/locations`]: { who: 'reader' },
    [`GET ${V1}/locations/devices/{}`]: { who: 'reader', ids: ['device'] },
    [`PUT ${V1}/locations/devices/{}`]: { who: 'writer', ids: ['device'], body: () => ({ latitude: 1, longitude: 2 }) },
    [`DELETE ${V1}/locations/devices/{}`]: { who: 'writer', ids: ['device'] },

    // tags and groups
    ...Object.fromEntries([['tags', 'tag'], ['groups', 'group']].flatMap(([path, kind]) => [
        [`GET ${V1}/device-${path}`, { who: 'reader' }],
        [`POST ${V1}/device-${path}`, { who: 'writer', body: () => ({}) }],
        [`GET ${V1}/device-${path}/{}`, { who: 'reader', ids: [kind] }],
        [`PUT ${V1}/device-${path}/{}`, { who: 'writer', ids: [kind], body: () => ({ description: 'by the matrix' }) }],
        [`DELETE ${V1}/device-${path}/{}`, { who: 'orgAdmin', ids: [kind], last: true }],
        [`POST ${V1}/device-${path}/{}/devices/{}`, { who: 'writer', ids: [kind, 'device'] }],
        [`DELETE ${V1}/device-${path}/{}/devices/{}`, { who: 'writer', ids: [kind, 'device'] }],
        [`GET ${V1}/device-${path}/by-device/{}`, { who: 'reader', ids: ['device'] }],
    ])),

    // commands
    [`POST ${V1}/devices/{}/commands`]: { who: 'writer', ids: ['device'], body: () => ({ command: 'by the matrix' }) },
    [`POST ${V1}/devices/{}/commands/toggle`]: { who: 'writer', ids: ['device'], body: () => ({ target: 'm' }) },
    [`POST ${V1}/devices/{}/commands/set-value`]: { who: 'writer', ids: ['device'], body: () => ({ variable: 'x', value: 1 }) },
    [`GET ${V1}/devices/{}/commands`]: { who: 'deviceOwn', ids: ['device'] },

    // fleet rules and their alerts
    [`GET ${V1}/global-rules`]: { who: 'reader' },
    [`POST ${V1}/global-rules`]: { who: 'writer', ids: { selectorValue: 'group' }, body: fleetRule },
    [`GET ${V1}/global-rules/{}`]: { who: 'reader', ids: ['fleetRule'] },
    [`PUT ${V1}/global-rules/{}`]: { who: 'writer', ids: { 0: 'fleetRule', selectorValue: 'group' }, body: fleetRule },
    [`POST ${V1}/global-rules/{}/toggle`]: { who: 'writer', ids: ['fleetRule'] },
    [`POST ${V1}/global-rules/{}/evaluate`]: { who: 'writer', ids: ['fleetRule'] },
    [`DELETE ${V1}/global-rules/{}`]: { who: 'writer', ids: ['fleetRule'], last: true },
    [`GET ${V1}/global-alerts`]: { who: 'reader' },
    [`GET ${V1}/global-alerts/stats`]: { who: 'reader' },
    [`GET ${V1}/global-alerts/{}`]: { who: 'reader', ids: ['fleetAlert'] },
    [`POST ${V1}/global-alerts/{}/acknowledge`]: { who: 'writer', ids: ['fleetAlert'] },
    [`POST ${V1}/global-alerts/{}/resolve`]: { who: 'writer', ids: ['fleetAlert'] },

    // dashboards; one of its own kind is deleted, so that the other rows keep theirs
    [`GET ${V1}/dashboards`]: { who: 'reader' },
    [`POST ${V1}/dashboards`]: { who: 'writer', ids: { defaultDeviceId: 'device' }, body: (ids) => ({ name: 'by the matrix', defaultDeviceId: ids.defaultDeviceId }) },
    [`GET ${V1}/dashboards/default`]: { who: 'reader' },
    [`GET ${V1}/dashboards/{}`]: { who: 'reader', ids: ['dashboard'] },
    [`PUT ${V1}/dashboards/{}`]: { who: 'writer', ids: { 0: 'dashboard', defaultDeviceId: 'device' }, body: (ids) => ({ defaultDeviceId: ids.defaultDeviceId }) },
    [`PATCH ${V1}/dashboards/{}`]: { who: 'writer', ids: { 0: 'dashboard', defaultDeviceId: 'device' }, body: (ids) => ({ defaultDeviceId: ids.defaultDeviceId }) },
    [`DELETE ${V1}/dashboards/{}`]: { who: 'writer', ids: ['oldDashboard'], last: true },
    [`GET ${V1}/dashboards/{}/widgets`]: { who: 'reader', ids: ['dashboard'] },
    [`POST ${V1}/dashboards/{}/widgets`]: { who: 'writer', ids: { 0: 'dashboard', ...widgetDevices }, body: (ids) => ({ name: 'm', type: 'GAUGE', deviceId: ids.deviceId, secondDeviceId: ids.secondDeviceId }) },
    [`GET ${V1}/dashboards/{}/widgets/{}`]: { who: 'reader', ids: ['dashboard', 'widget'] },
    [`PUT ${V1}/dashboards/{}/widgets/{}`]: { who: 'writer', ids: { 0: 'dashboard', 1: 'widget', ...widgetDevices }, body: (ids) => ({ deviceId: ids.deviceId, secondDeviceId: ids.secondDeviceId }) },
    [`PATCH ${V1}/dashboards/{}/widgets/{}`]: { who: 'writer', ids: { 0: 'dashboard', 1: 'widget', ...widgetDevices }, body: (ids) => ({ deviceId: ids.deviceId, secondDeviceId: ids.secondDeviceId }) },
    [`DELETE ${V1}/dashboards/{}/widgets/{}`]: { who: 'writer', ids: ['dashboard', 'widget'], last: true },
    [`POST ${V1}/dashboards/{}/data`]: { who: 'reader', ids: ['dashboard'], body: () => ({}) },
    [`GET ${V1}/dashboards/{}/shares`]: { who: 'writer', ids: ['dashboard'] },
    [`POST ${V1}/dashboards/{}/shares`]: { who: 'writer', ids: ['dashboard'], body: () => ({ name: 'by the matrix' }) },
    [`DELETE ${V1}/dashboards/{}/shares/{}`]: { who: 'writer', ids: ['dashboard', 'share'], last: true },
    [`POST ${V1}/public/dashboards/{}/open`]: { who: 'anyone', ids: ['link'], body: () => ({}) },
    [`GET ${V1}/public/dashboards/{}`]: { who: 'anyone', ids: ['link'] },
    [`POST ${V1}/public/dashboards/{}/data`]: { who: 'anyone', ids: ['link'], body: () => ({}) },

    // rules and alerts
    [`GET ${V1}/rules`]: { who: 'reader', ids: device, query: (ids) => `deviceId=${ids.deviceId}`, lists: true },
    [`POST ${V1}/rules`]: { who: 'writer', ids: { deviceId: 'ruleDevice' }, body: (ids) => rule(ids) },
    [`GET ${V1}/rules/{}`]: { who: 'reader', ids: ['rule'] },
    [`PUT ${V1}/rules/{}`]: { who: 'writer', ids: { 0: 'rule', deviceId: 'ruleDevice' }, body: (ids) => ({ deviceId: ids.deviceId, description: 'by the matrix' }) },
    [`PATCH ${V1}/rules/{}`]: { who: 'writer', ids: { 0: 'rule', deviceId: 'ruleDevice' }, body: (ids) => ({ deviceId: ids.deviceId, description: 'by the matrix' }) },
    [`DELETE ${V1}/rules/{}`]: { who: 'writer', ids: ['rule'], last: true },
    // synthetic variables
    [`GET ${V1}/synthetic-variables`]: { who: 'reader', ids: device, query: (ids) => `deviceId=${ids.deviceId}`, lists: true },
    [`POST ${V1}/synthetic-variables`]: { who: 'writer', ids: { deviceId: 'ruleDevice' }, body: (ids) => ({ name: `y${++made}`, deviceId: ids.deviceId, expression: 'x' }) },
    [`POST ${V1}/synthetic-variables/validate`]: { who: 'reader', ids: device, body: (ids) => ({ deviceId: ids.deviceId, expression: 'x' }) },
    [`GET ${V1}/synthetic-variables/{}`]: { who: 'reader', ids: ['synthetic'] },
    [`PUT ${V1}/synthetic-variables/{}`]: { who: 'writer', ids: ['synthetic'], body: () => ({ description: 'by the matrix' }) },
    [`PATCH ${V1}/synthetic-variables/{}`]: { who: 'writer', ids: ['synthetic'], body: () => ({ description: 'by the matrix' }) },
    [`POST ${V1}/synthetic-variables/{}/enable`]: { who: 'writer', ids: ['synthetic'] },
    [`POST ${V1}/synthetic-variables/{}/disable`]: { who: 'writer', ids: ['synthetic'] },
    [`POST ${V1}/synthetic-variables/{}/backfill`]: { who: 'writer', ids: ['enabledSynthetic'], body: () => ({ from: new Date().toISOString() }) },
    [`DELETE ${V1}/synthetic-variables/{}`]: { who: 'writer', ids: ['synthetic'], last: true },
    [`GET ${V1}/expression-functions`]: { who: 'user' },
    [`GET ${V1}/expression-functions/flat`]: { who: 'user' },

    [`GET ${V1}/alerts`]: { who: 'reader', ids: { deviceId: 'device', ruleId: 'pastRule' }, query: (ids) => `deviceId=${ids.deviceId}&ruleId=${ids.ruleId}`, lists: true },
    [`GET ${V1}/alerts/{}`]: { who: 'reader', ids: ['alert'] },
    [`POST ${V1}/alerts/{}/acknowledge`]: { who: 'writer', ids: ['alert'] },
    [`POST ${V1}/alerts/{}/resolve`]: { who: 'writer', ids: ['alert'] },
    // notifications
    [`GET ${V1}/notifications/webhooks`]: { who: 'writer' },
    [`POST ${V1}/notifications/webhooks`]: { who: 'writer', body: () => ({}) },
    [`GET ${V1}/notifications/webhooks/{}`]: { who: 'writer', ids: ['webhook'] },
    [`PUT ${V1}/notifications/webhooks/{}`]: { who: 'writer', ids: ['webhook'], body: () => ({ name: 'by the matrix' }) },
    [`PATCH ${V1}/notifications/webhooks/{}`]: { who: 'writer', ids: ['webhook'], body: () => ({ name: 'by the matrix' }) },
    [`POST ${V1}/notifications/webhooks/{}/secret`]: { who: 'writer', ids: ['webhook'] },
    [`POST ${V1}/notifications/webhooks/{}/test`]: { who: 'writer', ids: ['webhook'] },
    [`DELETE ${V1}/notifications/webhooks/{}`]: { who: 'writer', ids: ['webhook'], last: true },
    [`GET ${V1}/notifications/preferences`]: { who: 'reader' },
    [`POST ${V1}/notifications/preferences`]: { who: 'reader', body: () => ({}) },
    [`DELETE ${V1}/notifications/preferences/{}`]: { who: 'reader', ids: ['channel'] },
    [`POST ${V1}/notifications/preferences/{}/test`]: { who: 'reader', ids: ['channel'] },
    [`GET ${V1}/notifications/logs`]: { who: 'reader', ids: { webhookId: 'webhook' }, query: (ids) => `scope=user&webhookId=${ids.webhookId}`, lists: true },
    [`GET ${V1}/notifications/stats`]: { who: 'reader', ids: { webhookId: 'webhook' }, query: (ids) => `scope=user&webhookId=${ids.webhookId}`, lists: true },

    // people
    [`POST ${V1}/auth/register`]: { who: 'anyone', body: () => ({}) },
    [`POST ${V1}/auth/login`]: { who: 'anyone', body: () => ({}) },
    [`POST ${V1}/auth/refresh`]: { who: 'anyone', body: () => ({}) },
    [`POST ${V1}/auth/forgot-password`]: { who: 'anyone', body: () => ({}) },
    [`POST ${V1}/auth/reset-password`]: { who: 'anyone', body: () => ({}) },
    [`POST ${V1}/auth/logout`]: { who: 'user', skipRoles: 'would end the sessions of the other rows' },
    [`GET ${V1}/auth/me`]: { who: 'user' },
    [`PUT ${V1}/auth/preferences`]: { who: 'user', body: () => ({}) },
    [`POST ${V1}/auth/change-password`]: { who: 'user', body: () => ({}) },
    [`GET ${V1}/users`]: { who: 'orgAdmin', ids: { organizationId: 'organization' }, query: (ids) => `organizationId=${ids.organizationId}` },
    [`POST ${V1}/users`]: { who: 'orgAdmin', body: () => ({}) },
    [`GET ${V1}/users/{}`]: { who: 'orgAdmin', ids: ['user'] },
    [`PUT ${V1}/users/{}`]: { who: 'orgAdmin', ids: ['user'], body: () => ({ firstName: 'Matrix' }) },
    [`PATCH ${V1}/users/{}`]: { who: 'orgAdmin', ids: ['user'], body: () => ({ firstName: 'Matrix' }) },
    [`DELETE ${V1}/users/{}`]: { who: 'orgAdmin', ids: ['user'], last: true },
    [`POST ${V1}/users/{}/restore`]: { who: 'orgAdmin', ids: ['goneUser'] },
    [`GET ${V1}/organizations/invitations`]: { who: 'orgAdmin', ids: { organizationId: 'organization' }, query: (ids) => `organizationId=${ids.organizationId}` },
    [`POST ${V1}/organizations/invitations`]: { who: 'orgAdmin', body: () => ({}) },
    [`POST ${V1}/organizations/invitations/{}/resend`]: { who: 'orgAdmin', ids: ['invitation'] },
    [`DELETE ${V1}/organizations/invitations/{}`]: { who: 'orgAdmin', ids: ['invitation'], last: true },
    [`POST ${V1}/auth/invitation`]: { who: 'anyone', body: () => ({}) },
    [`POST ${V1}/auth/accept-invitation`]: { who: 'anyone', body: () => ({}) },
    [`GET ${V1}/organizations`]: { who: 'admin' },
    ...Object.fromEntries(['GET /users', 'GET /users/roles', 'GET /users/organization/{}', 'GET /users/{}', 'PUT /users/{}', 'PUT /users/{}/enable', 'PUT /users/{}/disable',
        'PUT /users/{}/roles', 'DELETE /users/{}', 'GET /organizations', 'GET /organizations/{}'].map((route) => [route.replace(' ', ` ${V1}/admin`), {
        who: 'admin', ids: route.includes('{}') ? [/organization/.test(route) ? 'organization' : 'user'] : undefined, body: /^PUT/.test(route) ? () => ({}) : undefined,
        skip: 'an administrator of the installation reaches each: people.test.mjs' }])),
    [`GET ${V1}/organizations/{}`]: { who: 'user', ids: ['organization'] },
    [`PUT ${V1}/organizations/{}`]: { who: 'orgAdmin', ids: ['organization'], body: () => ({ description: 'by the matrix' }) },
    [`DELETE ${V1}/organizations/{}`]: { who: 'admin', ids: ['organization'], skip: 'an administrator of the installation reaches each: organizations.test.mjs' },
    [`POST ${V1}/organizations/{}/restore`]: { who: 'admin', ids: ['organization'], skip: 'the same' },
    [`GET ${V1}/organizations/{}/retention`]: { who: 'orgAdmin', ids: ['organization'] },
    [`PUT ${V1}/organizations/{}/retention`]: { who: 'orgAdmin', ids: ['organization'], body: () => ({ retentionDays: 90 }) },
    [`GET ${V1}/users/{}/avatar`]: { who: 'user', ids: ['seen'] },
    [`GET ${V1}/users/{}/avatar/status`]: { who: 'user', ids: ['seen'] },
    [`POST ${V1}/users/{}/avatar`]: { who: 'user', ids: ['seen'], text: () => '\u00ff\u00d8\u00ff', bytes: true },
    [`PUT ${V1}/users/{}/avatar`]: { who: 'user', ids: ['seen'], text: () => '\u00ff\u00d8\u00ff', bytes: true },
    [`DELETE ${V1}/users/{}/avatar`]: { who: 'user', ids: ['seen'], last: true },
    [`GET ${V1}/api-keys`]: { who: 'user' },
    [`POST ${V1}/api-keys`]: { who: 'user', body: () => ({}) },
    [`POST ${V1}/api-keys/{}/rotate`]: { who: 'user', ids: ['key'] },
    [`DELETE ${V1}/api-keys/{}`]: { who: 'user', ids: ['key'], last: true },
    [`GET ${V1}/events`]: { who: 'reader', ids: { organizationId: 'organization' }, query: (ids) => `organizationId=${ids.organizationId}` },
    [`GET ${V1}/events/recent`]: { who: 'reader', ids: { organizationId: 'organization' }, query: (ids) => `organizationId=${ids.organizationId}` },
    [`GET ${V1}/events/statistics/by-type`]: { who: 'reader', ids: { organizationId: 'organization' }, query: (ids) => `organizationId=${ids.organizationId}` },
    [`GET ${V1}/events/statistics/by-severity`]: { who: 'reader', ids: { organizationId: 'organization' }, query: (ids) => `organizationId=${ids.organizationId}` },
};

// Which callers each `who` lets through; everybody else is refused before the handler runs.
const READERS = ['admin', 'orgAdmin', 'user', 'developer', 'viewer'];
const WRITERS = ['admin', 'orgAdmin', 'user', 'developer'];
export const CALLERS = ['nobody', 'device', 'pilotAdmin', 'viewer', 'developer', 'user', 'orgAdmin', 'admin'];
export const MAY = {
    anyone: CALLERS,
    user: [...READERS, 'pilotAdmin'],
    reader: READERS,
    writer: WRITERS,
    orgAdmin: ['admin', 'orgAdmin'],
    admin: ['admin'],
    pilotAdmin: ['admin', 'pilotAdmin'],
    sender: [...WRITERS, 'device'],
    deviceOwn: [...READERS, 'device'], // any other device than its own is missing for it: commands.test.mjs
};
