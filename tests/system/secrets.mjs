// No answer carries a hash or a secret. Every body that a test receives passes here, and a find fails that
// test at once.
import assert from 'node:assert/strict';

const FORBIDDEN = [
    /\$argon2/i, /\$2[aby]\$/, // password hashes
    /"(password|passwordHash|password_hash|tokenHash|token_hash|hash|secret|jwtSecret)"\s*:/i,
];
// Where a secret is shown once, on purpose: the only routes whose answers may hold a full token.
const SHOWN_ONCE = [
    /^POST \/api\/v1\/auth\/(login|register|refresh|change-password)\/?$/,
    /^POST \/api\/v1\/devices\/?$/,
    /^POST \/api\/v1\/(devices\/[^/]+\/(token\/(generate|rotate)|rotate-token)|device-tokens\/[^/]+\/(generate|rotate))\/?$/,
    /^POST \/api\/v1\/(auth\/accept-invitation|organizations\/invitations(\/[^/]+\/resend)?)\/?$/,
    /^POST \/api\/v1\/api-keys(\/[^/]+\/rotate)?\/?$/,
    /^POST \/api\/v1\/dashboards\/[^/]+\/shares\/?$/,
    /^POST \/api\/v1\/notifications\/(webhooks(\/[^/]+\/secret)?|preferences)\/?$/,
];
const secrets = new Set(); // tokens and keys that were shown, from then on nowhere else

export function searchForSecrets(method, path, status, text) {
    // A validation error names the field it is about: its reason is a sentence of ours, not the value.
    let searched = status === 400 ? text.replace(/"errors":\{[^}]*\}/, '') : text;
    // A problem repeats the address it was asked at; the token of a link is a part of that.
    if (path.startsWith('/api/v1/public/')) searched = searched.replace(`"instance":"${path}"`, '');
    for (const pattern of FORBIDDEN) {
        assert.ok(!pattern.test(searched), `${method} ${path} (${status}) answers with ${pattern}: ${text.slice(0, 300)}`);
    }
    const where = `${method} ${path.split('?')[0]}`;
    if (status < 300 && SHOWN_ONCE.some((pattern) => pattern.test(where))) {
        for (const [, secret] of text.matchAll(/"(?:accessToken|refreshToken|apiToken|token|key|apiKey|keyValue|signingSecret)"\s*:\s*"([^"]{20,})"/g)) secrets.add(secret);
        return;
    }
    for (const secret of secrets) {
        assert.ok(!searched.includes(secret), `${where} (${status}) shows a token again: ${text.slice(0, 300)}`);
    }
}
