#pragma once
/* app/conf_tables_notify.h -- keys of notifications: webhooks and mail.   Threads: immutable. */
#include "conf/conf.h"

enum { CONF_TABLES_NOTIFY = 17 };
extern const struct conf_entry conf_tables_notify[CONF_TABLES_NOTIFY];
