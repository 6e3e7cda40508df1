/* Who people are and what happened: this part of the surface on one screen. */
#include "api/handlers.h"

#define V1     "/api/v1"
#define KIB(n) ((size_t)(n) << 10)

const struct route routes_account[] = {
    /* method, path, who, where, body max, handler, id, what it does */
    {HTTP1_POST, V1 "/auth/register", WHO_ANYONE, ON_PASSWORDS, KIB(16), auth_api_register,
     "authRegister",
     "Make an organisation with its first user, who is its administrator and logged in."},
    {HTTP1_POST, V1 "/auth/login", WHO_ANYONE, ON_PASSWORDS, KIB(16), auth_api_login, "authLogin",
     "Log in by user name or e-mail; answers both tokens and sets the reading cookie."},
    {HTTP1_POST, V1 "/auth/refresh", WHO_ANYONE, ON_ASYNC, KIB(16), auth_api_refresh, "authRefresh",
     "Exchange a refresh token for the next pair; an old one used again ends the login."},
    {HTTP1_POST, V1 "/auth/logout", WHO_USER, ON_ASYNC, KIB(16), auth_api_logout, "authLogout",
     "End this login: its tokens are refused from now on."},
    {HTTP1_POST, V1 "/auth/change-password", WHO_USER, ON_PASSWORDS, KIB(16),
     auth_api_change_password, "authChangePassword",
     "Replace one's password {currentPassword,newPassword}; every login ends, a fresh one is "
     "answered."},
    {HTTP1_POST, V1 "/auth/forgot-password", WHO_ANYONE, ON_ASYNC, KIB(16),
     auth_api_forgot_password, "authForgotPassword",
     "Ask for a new password {email}; the same answer for any address."},
    {HTTP1_POST, V1 "/auth/reset-password", WHO_ANYONE, ON_PASSWORDS, KIB(16),
     auth_api_reset_password, "authResetPassword",
     "Set a new password {token,newPassword} with a token that is an hour old at most."},
    {HTTP1_GET, V1 "/auth/me", WHO_USER, ON_ASYNC, 0, auth_api_me, "authMe",
     "Who the caller is: names, organisation, roles, preferences."},
    {HTTP1_PUT, V1 "/auth/preferences", WHO_USER, ON_ASYNC, KIB(16), auth_api_preferences,
     "authPreferences", "Change one's themePreference, firstName, lastName; what is absent stays."},

    {HTTP1_GET, V1 "/api-keys", WHO_USER, ON_ASYNC, 0, api_keys_api_list, "apiKeys",
     "One's API keys, masked."},
    {HTTP1_POST, V1 "/api-keys", WHO_USER, ON_ASYNC, KIB(16), api_keys_api_create, "apiKeyCreate",
     "Make an API key {name,description,expiresAt}; it is shown in this answer only. 10 a user."},
    {HTTP1_POST, V1 "/api-keys/{id}/rotate", WHO_USER, ON_ASYNC, KIB(16), api_keys_api_rotate,
     "apiKeyRotate",
     "Make a new key in place of an old one, which is good for gracePeriodMinutes (1440) more."},
    {HTTP1_DELETE, V1 "/api-keys/{id}", WHO_USER, ON_ASYNC, KIB(16), api_keys_api_revoke,
     "apiKeyRevoke", "Refuse an API key from now on."},

    {HTTP1_GET, V1 "/events", WHO_READER, ON_ASYNC, 0, events_api_list, "events",
     "What happened in the organisation, newest first, in pages; by eventType, severity, deviceId, "
     "entityType, startTime, endTime. An installation's administrator may name another "
     "organizationId; 0 is the installation itself."},
    {HTTP1_GET, V1 "/events/recent", WHO_READER, ON_ASYNC, 0, events_api_recent, "eventsRecent",
     "The newest events of the last hours (24), limit (50)."},
    {HTTP1_GET, V1 "/events/statistics/by-type", WHO_READER, ON_ASYNC, 0, events_api_by_type,
     "eventsByType", "How many events of each type in the last hours (24) or a range."},
    {HTTP1_GET, V1 "/events/statistics/by-severity", WHO_READER, ON_ASYNC, 0,
     events_api_by_severity, "eventsBySeverity",
     "How many events of each severity in the last hours (24) or a range."},
};
const size_t routes_account_count = sizeof routes_account / sizeof *routes_account;
