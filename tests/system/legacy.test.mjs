// `import legacy`: a database with the Java platform's schema (the columns that matter, from its public
// migrations; constraints left away where rows are to be ugly) becomes an installation in which its people log
// in, its devices send and its readings are there.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { postgresIsHere, startPostgres } from './postgres.mjs';
import { BINARY, run, startServer, temporaryDir } from './server.mjs';

const skip = postgresIsHere ? false : 'there is no PostgreSQL 15 here (package postgresql-15)';
const ANN = { username: 'ann', password: 'an old password' };
const HASHES = { ann: '$2b$04$8B6yHzh6fxIfmyIymOeo/.rpbrVriWzJ2nPTG9QOdAOuc3CC//O6i', spring: '{bcrypt}$2a$04$8B6yHzh6fxIfmyIymOeo/.rpbrVriWzJ2nPTG9QOdAOuc3CC//O6i' };
const TOKEN = '550e8400-e29b-41d4-a716-446655440000';
const DEVICE = { meter: '11111111-1111-4111-8111-111111111111', pump: '22222222-2222-4222-8222-222222222222', orphan: '33333333-3333-4333-8333-333333333333', bulk: '44444444-4444-4444-8444-444444444444' };
const RULE = '99999999-9999-4999-8999-999999999999';
const id = (kind, n) => `${kind}0000000-0000-4000-8000-00000000000${n}`; // of things that are made up
const KEY = { ann: '6ba7b810-9dad-41d1-80b4-00c04fd430c8', ended: '6ba7b811-9dad-41d1-80b4-00c04fd430c8', gone: '6ba7b812-9dad-41d1-80b4-00c04fd430c8' };
const BULK = 60_000; // readings, so that a kill finds it half-way
const AT = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 5 * 86_400_000;
const at = (minutes) => new Date(AT + minutes * 60_000).toISOString();

const SCHEMA = `
CREATE TABLE organizations (id bigserial PRIMARY KEY, name text, description text, enabled boolean NOT NULL DEFAULT true, created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp, deleted_at timestamptz);
CREATE TABLE users (id bigserial PRIMARY KEY, organization_id bigint, username text, email text, password_hash varchar(255), first_name varchar(100), last_name varchar(100),
    enabled boolean NOT NULL DEFAULT true, theme_preference varchar(20), created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now(), deleted_at timestamptz);
CREATE TABLE roles (id bigserial PRIMARY KEY, name varchar(50) NOT NULL UNIQUE);
CREATE TABLE user_roles (user_id bigint NOT NULL, role_id bigint NOT NULL, PRIMARY KEY (user_id, role_id));
CREATE TABLE devices (id uuid PRIMARY KEY, external_id text, name varchar(255), location text, sensor_type varchar(100), firmware_version varchar(100), status varchar(32) NOT NULL DEFAULT 'UNKNOWN',
    last_seen_at timestamptz, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), organization_id bigint, latitude numeric(10, 8), longitude numeric(11, 8),
    altitude numeric(10, 2), location_updated_at timestamp, api_token varchar(64), token_created_at timestamp, token_last_used_at timestamp, description text, active boolean NOT NULL DEFAULT true, deleted_at timestamptz);
CREATE TABLE telemetry_records (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), device_id uuid NOT NULL, measurement_timestamp timestamptz NOT NULL, kw_consumption numeric(12, 3), voltage numeric(10, 3),
    current numeric(10, 3), power_factor numeric(5, 3), frequency numeric(6, 3), metadata jsonb, custom_variables jsonb);
CREATE TABLE variables (id bigserial PRIMARY KEY, organization_id bigint NOT NULL, device_id uuid, name text, display_name varchar(255), description text, unit varchar(50), data_type varchar(50) NOT NULL DEFAULT 'NUMBER',
    data_source varchar(50) DEFAULT 'manual', icon varchar(100), color varchar(7), min_value numeric(20, 6), max_value numeric(20, 6), decimal_places int DEFAULT 2, last_value numeric(20, 6),
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now());
CREATE TABLE variable_values (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), variable_id bigint NOT NULL, timestamp timestamptz NOT NULL, value numeric(20, 6) NOT NULL, context jsonb);
CREATE TABLE rules (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name varchar(255) NOT NULL, description text, device_id uuid, variable varchar(50) NOT NULL, operator varchar(10) NOT NULL, threshold numeric(15, 6) NOT NULL,
    enabled boolean NOT NULL DEFAULT true, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), organization_id bigint);
CREATE TABLE dashboards (id bigserial PRIMARY KEY, name varchar(255) NOT NULL, description text, is_default boolean DEFAULT false, layout_config jsonb, created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now(), organization_id bigint NOT NULL, default_device_id varchar(255));
CREATE TABLE widgets (id bigserial PRIMARY KEY, dashboard_id bigint NOT NULL, name varchar(255) NOT NULL, type varchar(50) NOT NULL, position_x int NOT NULL DEFAULT 0, position_y int NOT NULL DEFAULT 0, width int NOT NULL DEFAULT 4,
    height int NOT NULL DEFAULT 4, device_id varchar(255), variable_name varchar(255), aggregation varchar(50) DEFAULT 'NONE', time_range_minutes int, config jsonb NOT NULL DEFAULT '{}', created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now(), device_label varchar(255), second_device_id varchar(255), second_variable_name varchar(255), second_device_label varchar(255));
CREATE TABLE user_api_keys (id bigserial PRIMARY KEY, user_id bigint NOT NULL, key_value varchar(64), key_prefix varchar(8), key_hash varchar(255), name varchar(255) NOT NULL, description text, last_used_at timestamp,
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now(), revoked_at timestamp, scheduled_revocation_at timestamp);
CREATE TABLE alerts (id uuid PRIMARY KEY, rule_id uuid NOT NULL, device_id uuid NOT NULL, message text NOT NULL, severity varchar(20) NOT NULL, triggered_value numeric(15, 6), triggered_at timestamp, acknowledged boolean NOT NULL DEFAULT false,
    acknowledged_at timestamptz, created_at timestamptz NOT NULL, updated_at timestamptz);
CREATE TABLE global_rules (id uuid PRIMARY KEY, name varchar(255) NOT NULL, description text, organization_id bigint NOT NULL, selector_type varchar(50) NOT NULL, selector_value text, aggregation_function varchar(100) NOT NULL, aggregation_variable varchar(100),
    aggregation_params jsonb, operator varchar(10) NOT NULL, threshold numeric(15, 6) NOT NULL, enabled boolean NOT NULL DEFAULT true, evaluation_interval varchar(50) NOT NULL DEFAULT '5m', cooldown_minutes int NOT NULL DEFAULT 5, last_evaluated_at timestamptz,
    last_triggered_at timestamptz, send_sms boolean DEFAULT false, sms_recipients text[], created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE global_alerts (id uuid PRIMARY KEY, global_rule_id uuid NOT NULL, organization_id bigint NOT NULL, message text NOT NULL, severity varchar(20) NOT NULL, triggered_value numeric(15, 6), device_count int, affected_devices jsonb, triggered_at timestamptz NOT NULL,
    acknowledged boolean NOT NULL DEFAULT false, acknowledged_at timestamptz, acknowledged_by bigint, resolved boolean NOT NULL DEFAULT false, resolved_at timestamptz, resolved_by bigint, resolution_note text, created_at timestamptz, updated_at timestamptz);
CREATE TABLE synthetic_variables (id uuid PRIMARY KEY, name varchar(255) NOT NULL, description text, device_id uuid NOT NULL, expression text NOT NULL, unit varchar(50), enabled boolean NOT NULL DEFAULT true, organization_id bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE events (id bigserial PRIMARY KEY, organization_id bigint NOT NULL, event_type varchar(50) NOT NULL, severity varchar(20) NOT NULL, entity_type varchar(50), entity_id varchar(255), title varchar(255) NOT NULL, description text, metadata jsonb, user_id bigint,
    device_id varchar(255), created_at timestamp NOT NULL);
CREATE TABLE device_groups (id bigserial PRIMARY KEY, organization_id bigint NOT NULL, name varchar(100) NOT NULL, description text, created_at timestamp NOT NULL DEFAULT now());
CREATE TABLE device_group_members (device_id uuid NOT NULL, group_id bigint NOT NULL, PRIMARY KEY (device_id, group_id));
CREATE TABLE device_tags (id bigserial PRIMARY KEY, organization_id bigint NOT NULL, name varchar(100) NOT NULL, color varchar(7), created_at timestamp NOT NULL DEFAULT now());
CREATE TABLE device_tag_assignments (device_id uuid NOT NULL, tag_id bigint NOT NULL, PRIMARY KEY (device_id, tag_id));`;

const ROWS = `
INSERT INTO organizations (id, name, enabled, deleted_at) VALUES (3, 'North Plant', true, NULL), (5, 'north plant', true, NULL), (7, '${'x'.repeat(150)}', false, NULL), (8, 'Gone', true, now());
INSERT INTO roles (id, name) VALUES (1, 'ROLE_ADMIN'), (2, 'ROLE_USER'), (3, 'ROLE_VIEWER'), (4, 'ROLE_WIZARD');
INSERT INTO users (id, organization_id, username, email, password_hash, enabled, first_name) VALUES
    (10, 3, 'ann', 'ann@example.org', '${HASHES.ann}', true, 'Ann'), (11, 3, 'spring', 'spring@example.org', '${HASHES.spring}', true, NULL),
    (12, 3, 'off', 'off@example.org', '${HASHES.ann}', false, NULL), (13, 3, 'nomail', NULL, '${HASHES.ann}', true, NULL), (14, 5, 'ANN', 'Ann@Example.org', '${HASHES.ann}', true, NULL),
    (15, 5, 'plain', 'plain@example.org', '{noop}secret', true, NULL), (16, 8, 'lost', 'lost@example.org', '${HASHES.ann}', true, NULL), (17, 7, 'shut', 'shut@example.org', '${HASHES.ann}', true, NULL);
INSERT INTO user_roles VALUES (10, 1), (10, 2), (11, 3), (12, 2), (14, 4);
INSERT INTO devices (id, external_id, name, organization_id, api_token, token_created_at, latitude, longitude, description, last_seen_at, location) VALUES
    ('${DEVICE.meter}', 'meter-1', 'Main meter', 3, '${TOKEN}', now(), 52.5, 13.4, E'two\\nlines', now() - interval '1 day', '${'y'.repeat(300)}'),
    ('${DEVICE.pump}', 'pump-1', 'Pump', 3, '$2a$10$abcdefghijklmnopqrstuuJ4Q0Lw0mXqv2O3n8bQ9w1zq0Q9w1zq0', NULL, NULL, NULL, NULL, NULL, NULL),
    ('${DEVICE.orphan}', 'orphan', 'Of nobody', 8, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('${DEVICE.bulk}', 'bulk', 'Much', 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (gen_random_uuid(), '${'z'.repeat(65)}', 'Long', 3, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO telemetry_records (device_id, measurement_timestamp, kw_consumption, voltage, custom_variables) VALUES
    ('${DEVICE.meter}', '${at(0)}', 1.5, 230, '{"temperature": 21.25, "open": true, "note": "text", "huge": 1e400, "timestamp": 5}'), ('${DEVICE.meter}', '${at(1)}', 2.5, NULL, '[1]'),
    ('${DEVICE.meter}', 'infinity', 3.5, NULL, NULL), ('${DEVICE.orphan}', '${at(0)}', 9, NULL, NULL);
INSERT INTO variables (id, organization_id, device_id, name, display_name, unit, data_source) VALUES (40, 3, NULL, 'voltage', 'Voltage', 'V', 'manual'), (41, 3, '${DEVICE.meter}', 'kwConsumption', 'Power', 'kW', 'auto'),
    (42, 3, '${DEVICE.pump}', 'flow', 'Flow', 'l/s', 'auto'), (43, 3, '${DEVICE.pump}', '${'n'.repeat(120)}', NULL, NULL, 'auto'), (44, 5, '${DEVICE.bulk}', 'n', NULL, NULL, 'auto'), (45, 8, '${DEVICE.orphan}', 'o', NULL, NULL, 'auto');
INSERT INTO variable_values (variable_id, timestamp, value) VALUES (41, '${at(1)}', 2.512345), (41, '${at(2)}', 4), (42, '${at(0)}', 7), (42, '${at(0)}', 7), (43, '${at(0)}', 1), (45, '${at(0)}', 1), (999, '${at(0)}', 1), (42, '${at(1)}', 'NaN');
INSERT INTO variable_values (variable_id, timestamp, value) SELECT 44, timestamptz '${at(0)}' + n * interval '1 second', n FROM generate_series(1, ${BULK}) AS n;
INSERT INTO rules (id, name, device_id, variable, operator, threshold, organization_id) VALUES ('${RULE}', 'high', '${DEVICE.meter}', 'voltage', 'GT', 250, 3), (gen_random_uuid(), 'odd', '${DEVICE.meter}', 'voltage', 'NE', 1, 3),
    (gen_random_uuid(), 'orphan', NULL, 'voltage', 'GT', 1, 3), (gen_random_uuid(), 'foreign', '${DEVICE.bulk}', 'n', 'GT', 1, 3);
INSERT INTO dashboards (id, name, is_default, layout_config, organization_id, default_device_id) VALUES (20, 'Overview', true, '{"cols": 12}', 3, 'meter-1'), (21, 'Second default', true, 'null', 3, NULL), (22, 'Lost', false, NULL, 8, NULL);
INSERT INTO widgets (id, dashboard_id, name, type, device_id, variable_name, aggregation, time_range_minutes, config, width) VALUES (30, 20, 'Power', 'LINE_CHART', 'meter-1', 'kwConsumption', 'NONE', 60, '{"color": "red"}', 6),
    (31, 20, 'By uuid', 'GAUGE', '${DEVICE.pump}', 'flow', 'AVG', NULL, '{}', 0), (32, 20, 'Odd', 'CRYSTAL_BALL', NULL, NULL, NULL, NULL, '{}', 4), (33, 22, 'Lost', 'GAUGE', NULL, NULL, NULL, NULL, '{}', 4);
INSERT INTO device_tags (id, organization_id, name, color) VALUES (1, 3, 'critical', '#FF0000'), (2, 5, 'other', NULL);
INSERT INTO device_tag_assignments VALUES ('${DEVICE.meter}', 1), ('${DEVICE.meter}', 2);
INSERT INTO device_groups (id, organization_id, name) VALUES (70, 3, 'Hall 1'), (71, 5, 'Other hall');
INSERT INTO device_group_members VALUES ('${DEVICE.meter}', 70);
INSERT INTO user_api_keys (id, user_id, key_value, name, description, created_at, last_used_at, revoked_at, scheduled_revocation_at, key_hash) VALUES (60, 10, '${KEY.ann}', 'Default Token', 'for the gateway', '${at(-10)}', '${at(5)}', NULL, NULL, NULL),
    (61, 10, '${KEY.gone}', 'gone', NULL, now(), NULL, now(), NULL, NULL), (62, 10, '${KEY.ended}', 'ended', NULL, now(), NULL, NULL, now() - interval '1 hour', NULL), (63, 10, NULL, 'hashed', NULL, now(), NULL, NULL, NULL, '${HASHES.ann}'),
    (64, 16, '6ba7b813-9dad-41d1-80b4-00c04fd430c8', 'lost', NULL, now(), NULL, NULL, NULL, NULL), (65, 10, 'not a uuid', 'odd', NULL, now(), NULL, NULL, NULL, NULL);
INSERT INTO alerts (id, rule_id, device_id, message, severity, triggered_value, triggered_at, acknowledged, acknowledged_at, created_at) VALUES
    ('${id('a', 1)}', '${RULE}', '${DEVICE.meter}', 'voltage is 260', 'HIGH', 260, NULL, false, NULL, '${at(1)}'), ('${id('a', 2)}', '${RULE}', '${DEVICE.meter}', 'voltage is 255', 'LOW', 255, '${at(2).slice(0, -1)}', true, '${at(4)}', '${at(3)}'),
    ('${id('a', 3)}', '${RULE}', '${DEVICE.meter}', 'the same again', 'odd', NULL, NULL, true, NULL, '${at(1)}'), ('${id('a', 4)}', '${id('f', 9)}', '${DEVICE.meter}', 'of a rule that is gone', 'LOW', 1, NULL, false, NULL, '${at(1)}'),
    ('${id('a', 5)}', '${RULE}', '${DEVICE.meter}', 'odd', 'strange', NULL, NULL, true, NULL, '${at(7)}');
INSERT INTO global_rules (id, name, organization_id, selector_type, selector_value, aggregation_function, aggregation_variable, operator, threshold, evaluation_interval, cooldown_minutes, send_sms, enabled, created_at) VALUES
    ('${id('b', 1)}', 'offline', 3, 'ORGANIZATION', NULL, 'COUNT_OFFLINE', 'left over', 'GT', 1000, '10m', 15, false, false, '${at(0)}'), ('${id('b', 2)}', 'hot hall', 3, 'GROUP', '70', 'percentile95', 'temperature', 'GTE', 1e6, '5s', 5, true, true, '${at(1)}'),
    ('${id('b', 3)}', 'critical', 3, 'TAG', 'critical', 'avg', 'voltage', 'LT', -5, 'soon', 5, false, true, '${at(2)}'), ('${id('b', 4)}', 'alerting', 3, 'ORGANIZATION', NULL, 'countAlerting', NULL, 'GT', 1, '5m', 5, false, true, '${at(3)}'),
    ('${id('b', 5)}', 'custom', 3, 'CUSTOM_FILTER', 'x > 1', 'sum', 'voltage', 'GT', 1, '5m', 5, false, true, '${at(4)}'), ('${id('b', 6)}', 'foreign group', 3, 'GROUP', '71', 'sum', 'voltage', 'GT', 1, '5m', 5, false, true, '${at(5)}'),
    ('${id('b', 7)}', 'no such tag', 3, 'TAG', 'other', 'sum', 'voltage', 'GT', 1, '5m', 5, false, true, '${at(6)}'), ('${id('b', 8)}', 'of nobody', 8, 'ORGANIZATION', NULL, 'countDevices', NULL, 'GT', 1, '5m', 5, false, true, '${at(7)}'),
    ('${id('b', 9)}', 'of what', 3, 'ORGANIZATION', NULL, 'sum', NULL, 'GT', 1, '5m', 5, false, true, '${at(8)}');
INSERT INTO global_alerts (id, global_rule_id, organization_id, message, severity, triggered_value, device_count, affected_devices, triggered_at, acknowledged, acknowledged_at, acknowledged_by, resolved, resolved_at, resolved_by, resolution_note) VALUES
    ('${id('c', 1)}', '${id('b', 1)}', 3, 'many are offline', 'CRITICAL', 7, 7, '["${DEVICE.meter}"]', '${at(9)}', true, '${at(10)}', 10, true, '${at(11)}', 10, 'a cable'), ('${id('c', 2)}', '${id('b', 4)}', 3, 'lost', 'LOW', 1, 1, NULL, '${at(9)}', false, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO synthetic_variables (id, name, device_id, expression, unit, enabled, organization_id, description, created_at) VALUES ('${id('d', 1)}', 'apparent', '${DEVICE.meter}', 'kwConsumption * 2 + voltage', 'VA', true, 3, 'twice', '${at(0)}'),
    ('${id('d', 2)}', 'broken', '${DEVICE.meter}', 'voltage +* 2', NULL, true, 3, NULL, '${at(1)}'), ('${id('d', 3)}', 'constant', '${DEVICE.meter}', '1 + 1', NULL, true, 3, NULL, '${at(2)}'), ('${id('d', 4)}', 'circle', '${DEVICE.meter}', 'circle + 1', NULL, true, 3, NULL, '${at(3)}'),
    ('${id('d', 5)}', 'flow', '${DEVICE.pump}', 'temperature * 2', NULL, true, 3, NULL, '${at(4)}'), ('${id('d', 6)}', 'apparent', '${DEVICE.meter}', 'voltage', NULL, true, 3, NULL, '${at(5)}'), ('${id('d', 7)}', 'off', '${DEVICE.meter}', 'if(voltage > 200, apparent, 0)', NULL, false, 3, NULL, '${at(6)}'),
    ('${id('d', 8)}', 'foreign', '${DEVICE.bulk}', 'n', NULL, true, 3, NULL, '${at(7)}'), ('${id('d', 9)}', 'orphan', '${DEVICE.orphan}', 'o', NULL, true, 8, NULL, '${at(8)}');
INSERT INTO events (organization_id, event_type, severity, entity_type, entity_id, title, description, metadata, user_id, device_id, created_at) VALUES (3, 'DEVICE_CREATED', 'INFO', 'DEVICE', 'meter-1', 'Device created', E'by\nhand', '{"a": [1]}', 10, '${DEVICE.meter}', '${at(0)}'),
    (3, 'ALERT_CREATED', 'WARNING', 'ALERT', NULL, 'Alert', NULL, '[1]', 14, '${DEVICE.bulk}', '${at(1)}'), (3, 'TELEMETRY_RECEIVED', 'INFO', NULL, NULL, 'Telemetry', NULL, NULL, NULL, '${DEVICE.meter}', '${at(2)}'), (8, 'USER_LOGIN', 'INFO', NULL, NULL, 'Login', NULL, NULL, NULL, NULL, '${at(2)}');`;

let postgres, source;
const dirs = [];
const dir = () => { const made = temporaryDir(); dirs.push(made); return made; };
const place = (name) => (name ? { dir: dir(), env: { STORE_URL: postgres.database(name) } } : { dir: dir(), env: {} });
const take = (to, ...args) => run(['import', 'legacy', '--from', source, '--data', to.dir, '--json', ...args], { env: to.env, deadline: 120_000 });

before(async () => {
    if (skip) return;
    postgres = await startPostgres();
    source = postgres.database('platform');
    postgres.askIn('platform', SCHEMA);
    postgres.askIn('platform', ROWS);
});
after(async () => {
    await postgres?.stop();
    for (const made of dirs) rmSync(made, { recursive: true, force: true });
});

const EXPECTED = {
    organizations: [4, 3], users: [8, 7], apiKeys: [6, 1], devices: [5, 3], tags: [2, 2], groups: [2, 2], variables: [6, 3], rules: [4, 1], globalRules: [9, 3], alerts: [7, 4], events: [4, 2], dashboards: [3, 2], widgets: [4, 2],
};
function checkReport(report, status) {
    assert.equal(report.status, status);
    assert.equal(report.kinds.syntheticVariables.found, 9);
    if (status === 'imported' && !report.resumed) assert.equal(report.kinds.syntheticVariables.taken, 2); // names that devices send are known to the target only
    for (const [kind, [found, taken]] of Object.entries(EXPECTED)) assert.deepEqual([kind, report.kinds[kind]], [kind, { found, taken }]);
    const left = Object.fromEntries(report.leftOut.map(({ kind, reason, count }) => [`${kind}: ${reason}`, count]));
    for (const [reason, count] of Object.entries({ 'organizations: deleted there': 1, 'users: of an organisation that was left out': 1, 'devices: of an organisation that was left out': 1,
        'devices: a device id has at most 64 characters': 1, 'variables: a template of its organisation, of no device': 1, "variables: a variable's name has at most 100 bytes": 1,
        'variables: of a device that was left out': 1, 'rules: an operator that is not known': 1, 'rules: of a device that was left out': 1, 'rules: its device belongs to another organisation': 1,
        'apiKeys: revoked there': 2, 'apiKeys: kept as a hash there: make a new one': 1, 'apiKeys: of a user that was left out': 1, 'apiKeys: it is no UUID: make a new one': 1,
        'globalRules: a function that is not here': 1, 'globalRules: it selects devices in a way that is not here': 1, 'globalRules: its tag or group is not there': 2, 'globalRules: of an organisation that was left out': 1,
        'syntheticVariables: its expression is not understood': 1, 'syntheticVariables: it uses no variable: nothing would make it be computed': 1, 'syntheticVariables: it would be computed from itself': 1, 'syntheticVariables: its device has another one of that name': 1,
        'syntheticVariables: its device belongs to another organisation': 1, 'syntheticVariables: of a device that was left out': 1, 'alerts: of a rule that was left out': 2, 'alerts: its rule has another one of that time': 1,
        'events: it only tells that a reading came': 1, 'events: of an organisation that was left out': 1, 'dashboards: of an organisation that was left out': 1, 'widgets: a type that is not known': 1, 'widgets: of a dashboard that was left out': 1, 'values: of a variable that is gone': 1 })) assert.equal(left[reason], count, reason);
    const changed = report.changed.map(({ kind, reason }) => `${kind}: ${reason}`);
    for (const part of ['organizations: another one has that name', 'organizations: the name was longer', 'organizations: disabled there', 'users: another user has that name', 'users: another user has that e-mail', 'users: no e-mail address',
        'users: the password is not kept as bcrypt', 'users: a role that is not known', 'users: without a role', 'devices: its token is kept as a hash', 'devices: a text was shortened', 'globalRules: its interval is another one', 'globalRules: it told by text message', 'dashboards: its organisation has a default'])
        assert.ok(changed.some((text) => text.startsWith(part)), `${part}: ${changed.join('\n')}`);
    return left;
}

// Keys, what was computed, what happened.
async function checkMore(server, token) {
    const key = { headers: { 'x-api-key': KEY.ann } };
    assert.equal((await server.ok('GET', '/auth/me', key)).username, 'ann');
    assert.deepEqual((await server.ok('GET', '/api-keys', { token })).map((one) => [one.id, one.name, one.description]), [[60, 'Default Token', 'for the gateway']]);
    for (const value of [KEY.gone, KEY.ended]) assert.equal((await server.call('GET', '/auth/me', { headers: { 'x-api-key': value } })).status, 401);
    await server.ok('POST', '/data/ingest', { ...key, body: { deviceId: 'meter-1', timestamp: at(90), variables: { kwConsumption: 5, voltage: 230 } } });

    const rules = await server.ok('GET', '/global-rules', { token });
    const { group } = { group: (await server.ok('GET', '/device-groups', { token })).find((one) => one.name === 'Hall 1') };
    assert.deepEqual(rules.map((r) => [r.id, r.name, r.selectorType, r.selectorValue, r.aggregationFunction, r.aggregationVariable, r.operator, r.threshold, r.evaluationInterval, r.cooldownMinutes, r.enabled]).sort(), [
        [id('b', 1), 'offline', 'ORGANIZATION', null, 'countOffline', null, 'GT', 1000, '10m', 15, false], [id('b', 2), 'hot hall', 'GROUP', String(group.id), 'percentile95', 'temperature', 'GTE', 1e6, '10s', 5, true],
        [id('b', 3), 'critical', 'TAG', 'critical', 'avg', 'voltage', 'LT', -5, '5m', 5, true]]);

    const made = await server.ok('GET', '/synthetic-variables', { token });
    assert.deepEqual(made.map((y) => [y.id, y.name, y.deviceId, y.expression, y.unit, y.description, y.enabled]), [[id('d', 1), 'apparent', 'meter-1', 'kwConsumption * 2 + voltage', 'VA', 'twice', true], [id('d', 7), 'off', 'meter-1', 'if(voltage > 200, apparent, 0)', null, null, false]]);
    await server.ok('POST', '/data/ingest', { ...key, body: { deviceId: 'meter-1', variables: { kwConsumption: 5, voltage: 230 } } });
    for (const end = Date.now() + 20_000; ;) { // what comes from now on is computed
        if ((await server.ok('GET', '/devices/meter-1/variables/latest', { token })).apparent === 240) break;
        assert.ok(Date.now() < end, 'it is computed');
        await new Promise((resolve) => { setTimeout(resolve, 20); });
    }

    const early = await server.ok('GET', `/data/query?deviceId=meter-1&variables=apparent&from=${at(-1)}&to=${at(60)}`, { token });
    assert.ok(early.every((row) => row.apparent === undefined || row.apparent === null), 'nothing from before is computed');
    const alerts = await server.ok('GET', '/alerts', { token });
    const seen = (list) => list.map((a) => [a.id, a.ruleId, a.deviceId, a.message, a.severity, a.triggeredValue, a.acknowledged, a.acknowledgedAt && Date.parse(a.acknowledgedAt) - AT, Date.parse(a.timestamp) - AT, a.resolvedAt !== null]).sort();
    assert.deepEqual(seen(alerts), [[id('a', 1), RULE, 'meter-1', 'voltage is 260', 'HIGH', 260, false, null, 60_000, true], [id('a', 2), RULE, 'meter-1', 'voltage is 255', 'LOW', 255, true, 240_000, 120_000, true], [id('a', 5), RULE, 'meter-1', 'odd', 'MEDIUM', 0, true, 420_000, 420_000, true]]);
    assert.equal((await server.ok('GET', '/alerts?unacknowledgedOnly=true', { token })).length, 1);
    assert.equal((await server.ok('GET', '/alerts?openOnly=true', { token })).length, 0, 'its rule begins anew');
    const global = await server.ok('GET', `/global-alerts/${id('c', 1)}`, { token });
    assert.deepEqual([global.message, global.severity, global.triggeredValue, global.deviceCount, global.acknowledged, global.resolved, Date.parse(global.resolvedAt) - AT, global.resolutionNote], ['many are offline', 'CRITICAL', 7, 7, true, true, 660_000, 'a cable']);

    const trail = (await server.ok('GET', `/events?size=100&endTime=${new Date(AT + 86_400_000).toISOString()}`, { token })).content;
    assert.deepEqual(trail.map((e) => [e.eventType, e.severity, e.entityType, e.entityId, e.title, e.description, e.metadata, e.userId, e.deviceId, e.actor, Date.parse(e.createdAt) - AT]), [
        ['ALERT_CREATED', 'WARNING', 'ALERT', null, 'Alert', null, null, null, null, 'system', 60_000], ['DEVICE_CREATED', 'INFO', 'DEVICE', 'meter-1', 'Device created', 'by hand', { a: [1] }, 10, 'meter-1', 'user:ann', 0]]);
    const told = (await server.ok('GET', '/events?eventType=LEGACY_IMPORTED', { token })).content;
    assert.equal(told.length, 1);
    assert.ok(told[0].id > Math.max(...trail.map((e) => e.id)), 'newer than what it brought');
}

// The installation as its people and devices find it.
async function checkServer(to) {
    const server = await startServer({ dir: to.dir, env: { ...to.env, ADMIN_EMAIL: '', ADMIN_PASSWORD: '' }, sets: { 'pilot.data-retention-days': 0 } });
    const login = await server.ok('POST', '/auth/login', { body: ANN });
    const token = login.accessToken;
    assert.deepEqual([login.userId, login.organizationId], [10, 3]);
    assert.deepEqual((await server.ok('GET', '/auth/me', { token })).roles.sort(), ['ROLE_ADMIN', 'ROLE_USER']);
    for (const login of ['ann', 'ANN@example.org']) assert.equal((await server.call('POST', '/auth/login', { body: { username: login, password: ANN.password } })).status, 200, 'the second time too, by Argon2id now');
    for (const [username, password, status] of [['ann', 'an old passwort', 401], ['off', ANN.password, 401], ['shut', ANN.password, 401], ['plain', 'secret', 401], ['ann-14', ANN.password, 200], ['nomail', ANN.password, 200]])
        assert.equal((await server.call('POST', '/auth/login', { body: { username, password } })).status, status, username);
    const viewer = await server.login('spring', ANN.password);
    assert.equal((await server.call('POST', '/devices', { token: viewer, body: { externalId: 'no' } })).status, 403);

    const meter = await server.ok('GET', '/devices/meter-1', { token });
    assert.deepEqual([meter.id, meter.name, meter.latitude, meter.longitude, meter.description, meter.location.length, meter.tags.map((t) => t.name)], [DEVICE.meter, 'Main meter', 52.5, 13.4, 'two lines', 255, ['critical']]);
    const query = async (device, variable) => (await server.ok('GET', `/data/query?deviceId=${device}&variables=${variable}&from=${at(-1)}&to=${at(60)}`, { token })).filter((row) => row[variable] !== undefined && row[variable] !== null).map((row) => [Date.parse(row.timestamp) - AT, row[variable]]);
    assert.deepEqual(await query('meter-1', 'kwConsumption'), [[0, 1.5], [60_000, 2.512345], [120_000, 4]], 'column and variable are one series, the more exact value wins');
    assert.deepEqual(await query('meter-1', 'voltage'), [[0, 230]]);
    assert.deepEqual(await query('meter-1', 'temperature'), [[0, 21.25]]);
    assert.deepEqual(await query('meter-1', 'open'), [[0, 1]]);
    assert.deepEqual(await query(DEVICE.pump, 'flow'), [[0, 7]], 'what stood there twice is there once');
    const flow = (await server.ok('GET', '/devices/pump-1/variables', { token })).find((v) => v.name === 'flow');
    assert.deepEqual([flow.id, flow.displayName, flow.unit, flow.dataSource], [42, 'Flow', 'l/s', 'AUTO']);

    await server.ok('POST', '/data/ingest/meter-1', { device: TOKEN, body: { variables: { kwConsumption: 6 } } });
    assert.equal((await server.ok('GET', '/data/latest/meter-1', { token })).kwConsumption, 6);
    const [rule, ...more] = await server.ok('GET', '/rules', { token });
    assert.deepEqual([rule.id, rule.name, rule.deviceId, rule.variable, rule.operator, rule.threshold, more.length], [RULE, 'high', 'meter-1', 'voltage', 'GT', 250, 0]);
    await checkMore(server, token);
    const board = await server.ok('GET', '/dashboards/20', { token });
    assert.deepEqual([board.isDefault, board.defaultDeviceId, board.layoutConfig, board.widgets.map((w) => [w.id, w.type, w.deviceId, w.width, w.config])],
        [true, 'meter-1', { cols: 12 }, [[30, 'LINE_CHART', 'meter-1', 6, { color: 'red' }], [31, 'GAUGE', 'pump-1', 1, {}]]]);
    assert.equal((await server.ok('POST', '/dashboards', { token, body: { name: 'new' } })).id, 22, 'numbers go on behind the old ones');

    const other = await server.login('ann-14', ANN.password);
    const counted = await server.ok('GET', `/analytics/aggregate?deviceId=bulk&variable=n&aggregation=COUNT&from=${at(0)}&to=${at(100_000)}`, { token: other });
    assert.equal(counted[0].value, BULK);
    assert.equal((await server.ok('GET', `/analytics/aggregate?deviceId=bulk&variable=n&aggregation=SUM&from=${at(0)}&to=${at(100_000)}`, { token: other }))[0].value, BULK * (BULK + 1) / 2);
    assert.equal((await server.call('GET', '/devices/meter-1', { token: other })).status, 404);
    await server.stop();
}

test('a dry run reports and writes nothing', { skip }, async () => {
    const to = place();
    const result = await take(to, '--dry-run');
    assert.equal(result.code, 0, result.stderr);
    const report = JSON.parse(result.stdout);
    checkReport(report, 'checked');
    assert.equal(report.kinds.values.found, BULK + 18);
    assert.equal((await run(['org', 'list', '--data', to.dir])).code, 1, 'there is no installation');
    const text = await run(['import', 'legacy', '--from', source, '--data', to.dir, '--dry-run']);
    assert.match(text.stdout, /^organizations +4 +3$/m);
    assert.match(text.stdout, /2 devices: |1 devices: a device id has at most 64 characters \(z+/);
});

for (const store of [undefined, 'taken'])
    test(`an installation is taken over into ${store ? 'PostgreSQL' : 'a directory'}`, { skip }, async () => {
        const to = place(store);
        const result = await take(to);
        assert.equal(result.code, 0, result.stderr);
        const report = JSON.parse(result.stdout);
        const left = checkReport(report, 'imported');
        assert.deepEqual([left['values: no number'], left['values: a time that is none'], left['values: a name that no variable can have'], left['values: of a device that was left out']], [3, 1, 2, 2]);
        assert.deepEqual(report.kinds.values, { found: BULK + 18, taken: BULK + 9 });
        await checkServer(to);
        if (!store) assert.equal((await run(['verify', '--data', to.dir])).stdout, 'sound\n');
        const again = await take(to);
        assert.match(JSON.parse(again.stderr).error, /the target is not empty/);
    });

test('an import that is killed half-way is not served, goes on, and doubles nothing', { skip }, async () => {
    const to = place('killed');
    const child = spawn(BINARY, ['import', 'legacy', '--from', source, '--data', to.dir], { stdio: 'ignore', env: { PATH: process.env.PATH, ...to.env } });
    const ended = once(child, 'close');
    for (const end = Date.now() + 30_000; ;) {
        assert.ok(Date.now() < end, 'nothing arrived');
        try {
            if (postgres.askIn('killed', 'SELECT count(*) FROM telemetry_records') > 1000) break;
        } catch { /* no table yet */ }
    }
    child.kill('SIGKILL');
    assert.deepEqual(await ended, [null, 'SIGKILL'], 'it was killed before its end');
    const refused = await run(['org', 'list', '--data', to.dir], { env: to.env });
    assert.match(refused.stderr, /is being filled by `sensorvision import legacy`/);
    const result = await take(to);
    assert.equal(result.code, 0, result.stderr);
    const report = JSON.parse(result.stdout);
    assert.equal(report.resumed, true);
    checkReport(report, 'imported');
    assert.deepEqual(report.kinds.values, { found: BULK + 18, taken: BULK + 9 });
    await checkServer(to);
});

test('what is no database of the platform is refused in words', { skip }, async () => {
    const to = place();
    const cases = [[[], 2, /needs --from/], [['--from', 'embedded:x'], 1, /it takes postgres:/], [['--from', postgres.database('nothing')], 1, /no database of the Java platform/],
        [['--from', postgres.urlOf('taken')], 1, /`sensorvision move` copies it/]];
    for (const [args, code, said] of cases) {
        const result = await run(['import', 'legacy', ...args, '--data', to.dir]);
        assert.deepEqual([result.code, said.test(result.stderr)], [code, true], `${args.join(' ')}: ${result.stderr}`);
    }
});
