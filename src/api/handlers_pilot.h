#pragma once
/* api/handlers_pilot.h -- the pilot layer's handlers, for its route table.
 * Threads: as each route says. */
#include "api/api.h"
#include "api/routes.h"

extern const struct route routes_pilot[];
extern const size_t routes_pilot_count;

/* pilot_api.c */
void pilot_api_status(struct api_call *c);
void pilot_api_feature(struct api_call *c);
void pilot_api_info(struct api_call *c);
void pilot_api_health(struct api_call *c);
/* pilot_usage_api.c */
void pilot_usage_api_get(struct api_call *c);
/* pilot_refusals_api.c */
void pilot_refusals_api_list(struct api_call *c);
void pilot_refusals_api_dry_run(struct api_call *c);
/* pilot_feedback_api.c */
void pilot_feedback_api_give(struct api_call *c);
void pilot_feedback_api_summary(struct api_call *c);
/* pilot_analytics_api.c */
void pilot_analytics_api_program(struct api_call *c);
void pilot_analytics_api_organizations(struct api_call *c);
/* pilot_onboarding_api.c */
void pilot_onboarding_api_run(struct api_call *c);
/* pilot_plans_api.c */
struct pilot_limits_change;
/* The members of a plan; what is wrong adds to the errors. */
void pilot_plans_api_read_limits(struct api_fields *f, struct pilot_limits_change *ret);
void pilot_plans_api_limits(struct api_call *c);
void pilot_plans_api_set_limits(struct api_call *c);
void pilot_plans_api_retention(struct api_call *c);
void pilot_plans_api_set_retention(struct api_call *c);
void pilot_plans_api_features(struct api_call *c);
void pilot_plans_api_set_features(struct api_call *c);
