/* Who is in an organisation and who may join: this part of the surface on one screen. */
#include "api/handlers_people.h"

#define V1     "/api/v1"
#define KIB(n) ((size_t)(n) << 10)

const struct route routes_people[] = {
    /* method, path, who, where, body max, handler, id, what it does */
    {HTTP1_GET, V1 "/users", WHO_ORG_ADMIN, ON_ASYNC, 0, users_api_list, "users",
     "The users of one's organisation, in pages; deleted=true: those that may still be restored. "
     "An installation's administrator may name another organizationId."},
    {HTTP1_POST, V1 "/users", WHO_ORG_ADMIN, ON_PASSWORDS, KIB(16), users_api_create, "userCreate",
     "Make a user {username,email,password,firstName,lastName,roles[]} of one's organisation."},
    {HTTP1_GET, V1 "/users/{id}", WHO_ORG_ADMIN, ON_ASYNC, 0, users_api_get, "user",
     "One user of one's organisation."},
    {HTTP1_PUT, V1 "/users/{id}", WHO_ORG_ADMIN, ON_ASYNC, KIB(16), users_api_update, "userUpdate",
     "Change {firstName,lastName,email,roles[],enabled}; what is absent stays. Whose roles change "
     "or who is disabled has to log in again."},
    {HTTP1_PATCH, V1 "/users/{id}", WHO_ORG_ADMIN, ON_ASYNC, KIB(16), users_api_update, "userPatch",
     "The same as PUT."},
    {HTTP1_DELETE, V1 "/users/{id}", WHO_ORG_ADMIN, ON_ASYNC, KIB(16), users_api_delete,
     "userDelete",
     "Delete a user: sessions and keys end at once, user name and e-mail are free; restorable for "
     "7 days."},
    {HTTP1_POST, V1 "/users/{id}/restore", WHO_ORG_ADMIN, ON_ASYNC, KIB(16), users_api_restore,
     "userRestore", "Bring a deleted user back, with the roles there were."},

    {HTTP1_GET, V1 "/organizations/invitations", WHO_ORG_ADMIN, ON_ASYNC, 0, invitations_api_list,
     "invitations", "Invitations into one's organisation, newest first."},
    {HTTP1_POST, V1 "/organizations/invitations", WHO_ORG_ADMIN, ON_ASYNC, KIB(16),
     invitations_api_create, "invitationCreate",
     "Invite {email,role} for 7 days, by mail; where no mail is configured the token is in this "
     "answer only."},
    {HTTP1_POST, V1 "/organizations/invitations/{id}/resend", WHO_ORG_ADMIN, ON_ASYNC, KIB(16),
     invitations_api_resend, "invitationResend",
     "Send an open invitation again, with a fresh token and 7 more days; 10 times at most."},
    {HTTP1_DELETE, V1 "/organizations/invitations/{id}", WHO_ORG_ADMIN, ON_ASYNC, KIB(16),
     invitations_api_revoke, "invitationRevoke", "Refuse the token of an invitation from now on."},
    {HTTP1_POST, V1 "/auth/invitation", WHO_ANYONE, ON_ASYNC, KIB(16), invitations_api_look,
     "authInvitation", "What an invitation {token} is for: e-mail, organisation, roles, end."},
    {HTTP1_POST, V1 "/auth/accept-invitation", WHO_ANYONE, ON_PASSWORDS, KIB(16),
     invitations_api_accept, "authAcceptInvitation",
     "Join with {token,username,password,firstName,lastName}; answers as login."},

    {HTTP1_GET, V1 "/organizations", WHO_ADMIN, ON_ASYNC, 0, organizations_api_list,
     "organizations",
     "Every organisation, as an array or in pages; deleted=true: those that may be restored."},
    {HTTP1_GET, V1 "/organizations/{id}", WHO_USER, ON_ASYNC, 0, organizations_api_get,
     "organization", "One's own organisation; an installation's administrator sees each."},
    {HTTP1_PUT, V1 "/organizations/{id}", WHO_ORG_ADMIN, ON_ASYNC, KIB(64),
     organizations_api_update, "organizationUpdate",
     "Change {name,description,settings{}}; what is absent stays, null clears."},
    {HTTP1_DELETE, V1 "/organizations/{id}", WHO_ADMIN, ON_ASYNC, KIB(16), organizations_api_delete,
     "organizationDelete",
     "Delete an organisation: all its people and devices are refused at once; restorable for 7 "
     "days."},
    {HTTP1_POST, V1 "/organizations/{id}/restore", WHO_ADMIN, ON_ASYNC, KIB(16),
     organizations_api_restore, "organizationRestore",
     "Bring a deleted organisation back with its people, devices and their tokens."},
    {HTTP1_GET, V1 "/organizations/{id}/retention", WHO_ORG_ADMIN, ON_ASYNC, 0,
     organizations_api_retention, "organizationRetention",
     "How long the organisation keeps its points: retentionDays of its own (null: none), "
     "effectiveDays, defaultDays; 0 is for ever."},
    {HTTP1_PUT, V1 "/organizations/{id}/retention", WHO_ORG_ADMIN, ON_ASYNC, KIB(16),
     organizations_api_set_retention, "organizationSetRetention",
     "Choose {retentionDays}: a number, 0 for ever, null as the installation."},

    {HTTP1_GET, V1 "/users/{id}/avatar", WHO_USER, ON_ASYNC, 0, avatars_api_get, "avatar",
     "The picture of somebody of the organisation."},
    {HTTP1_GET, V1 "/users/{id}/avatar/status", WHO_USER, ON_ASYNC, 0, avatars_api_status,
     "avatarStatus", "Whether there is one: hasAvatar, avatarUrl, avatarVersion."},
    {HTTP1_POST, V1 "/users/{id}/avatar", WHO_USER, ON_ASYNC, KIB(1024 + 64), avatars_api_put,
     "avatarUpload", "Change a picture: PNG or JPEG, 1 MiB at most, as a form (file) or bare."},
    {HTTP1_PUT, V1 "/users/{id}/avatar", WHO_USER, ON_ASYNC, KIB(1024 + 64), avatars_api_put,
     "avatarPut", "The same as POST."},
    {HTTP1_DELETE, V1 "/users/{id}/avatar", WHO_USER, ON_ASYNC, KIB(16), avatars_api_delete,
     "avatarDelete", "Remove a picture."},

    /* the administration pages of the old front end */
    {HTTP1_GET, V1 "/admin/users", WHO_ADMIN, ON_ASYNC, 0, admin_people_api_list, "adminUsers",
     "Every user of the installation, as an array or in pages."},
    {HTTP1_GET, V1 "/admin/users/roles", WHO_ADMIN, ON_ASYNC, 0, admin_people_api_roles,
     "adminRoles", "The roles there are."},
    {HTTP1_GET, V1 "/admin/users/organization/{id}", WHO_ADMIN, ON_ASYNC, 0,
     admin_people_api_of_organization, "adminUsersOf", "The users of one organisation."},
    {HTTP1_GET, V1 "/admin/users/{id}", WHO_ADMIN, ON_ASYNC, 0, users_api_get, "adminUser",
     "The same as GET /users/{id}."},
    {HTTP1_PUT, V1 "/admin/users/{id}", WHO_ADMIN, ON_ASYNC, KIB(16), admin_people_api_update,
     "adminUserUpdate", "Change {firstName,lastName,email}; answered as {success,message,data}."},
    {HTTP1_PUT, V1 "/admin/users/{id}/enable", WHO_ADMIN, ON_ASYNC, KIB(16),
     admin_people_api_enable, "adminUserEnable", "Let a user log in again."},
    {HTTP1_PUT, V1 "/admin/users/{id}/disable", WHO_ADMIN, ON_ASYNC, KIB(16),
     admin_people_api_disable, "adminUserDisable", "Refuse a user from now on."},
    {HTTP1_PUT, V1 "/admin/users/{id}/roles", WHO_ADMIN, ON_ASYNC, KIB(16),
     admin_people_api_set_roles, "adminUserRoles", "Replace the roles of a user {roles[]}."},
    {HTTP1_DELETE, V1 "/admin/users/{id}", WHO_ADMIN, ON_ASYNC, KIB(16), admin_people_api_delete,
     "adminUserDelete", "Delete a user, restorable for 7 days; answers {success,message,data}."},
    {HTTP1_GET, V1 "/admin/organizations", WHO_ADMIN, ON_ASYNC, 0, organizations_api_list,
     "adminOrganizations", "The same as GET /organizations."},
    {HTTP1_GET, V1 "/admin/organizations/{id}", WHO_ADMIN, ON_ASYNC, 0, organizations_api_get,
     "adminOrganization", "The same as GET /organizations/{id}."},
};
const size_t routes_people_count = sizeof routes_people / sizeof *routes_people;
