#pragma once
/* app/conf_tables_notify.h -- keys of notifications: webhooks and mail.   Threads: immutable. */
#include "app/conf_section.h"

extern const struct conf_section conf_tables_notify;
