#pragma once
/* api/handlers_people.h -- the handlers of routes_people.c: who is in an organisation, who may
 * join, what the organisation says of itself.   Threads: as api.h says of a call. */
#include "api/api.h"

extern const struct route routes_people[];
extern const size_t routes_people_count;

/* --- users_api.c ------------------------------------------------------------------------------ */
void users_api_list(struct api_call *c);
void users_api_get(struct api_call *c);
void users_api_create(struct api_call *c);
void users_api_update(struct api_call *c);
void users_api_delete(struct api_call *c);
void users_api_restore(struct api_call *c);

/* --- invitations_api.c ------------------------------------------------------------------------ */
void invitations_api_list(struct api_call *c);
void invitations_api_create(struct api_call *c);
void invitations_api_resend(struct api_call *c);
void invitations_api_revoke(struct api_call *c);
void invitations_api_look(struct api_call *c);
void invitations_api_accept(struct api_call *c);

/* --- organizations_api.c ---------------------------------------------------------------------- */
void organizations_api_list(struct api_call *c);
void organizations_api_get(struct api_call *c);
void organizations_api_update(struct api_call *c);
void organizations_api_delete(struct api_call *c);
void organizations_api_restore(struct api_call *c);
void organizations_api_retention(struct api_call *c);
void organizations_api_set_retention(struct api_call *c);

/* --- admin_people_api.c ----------------------------------------------------------------------- */
void admin_people_api_list(struct api_call *c);
void admin_people_api_of_organization(struct api_call *c);
void admin_people_api_roles(struct api_call *c);
void admin_people_api_update(struct api_call *c);
void admin_people_api_enable(struct api_call *c);
void admin_people_api_disable(struct api_call *c);
void admin_people_api_set_roles(struct api_call *c);
void admin_people_api_delete(struct api_call *c);

/* --- avatars_api.c ---------------------------------------------------------------------------- */
void avatars_api_put(struct api_call *c);
void avatars_api_get(struct api_call *c);
void avatars_api_status(struct api_call *c);
void avatars_api_delete(struct api_call *c);
