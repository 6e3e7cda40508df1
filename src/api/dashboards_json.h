#pragma once
/* api/dashboards_json.h -- dashboards and widgets as clients see them, and what they send.
 * Threads: the call's. */
#include "api/api.h"
#include "service/dashboard_widgets.h"

/* Contract §9. Without widgets (a list) that member is null, as the old platform has it. */
void dashboards_json_write(struct buf *b, const struct dashboard *d, bool with_widgets);
void dashboards_json_widget(struct buf *b, const struct widget *w);
/* What a visitor of a share sees of it: no ids of devices, nothing of the organisation. */
void dashboards_json_shared(struct buf *b, const struct dashboard *d, int64_t expires_ns);

/* A text of the body; null and "" clear. */
struct dashboard_text dashboards_json_text(struct api_fields *f, const char *name,
                                           size_t max_chars);
/* A whole number of the body; null is absent. */
struct dashboard_number dashboards_json_number(struct api_fields *f, const char *name);
