/* Synthetic variables (see model/synthetic.h), and how far those of a device have been computed. */
#include "store/migration_synthetics.h"

const char migration_synthetics_sql[] =
    "CREATE TABLE synthetics ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " org BIGINT NOT NULL,"
    " uuid BLOB NOT NULL,"
    " device BIGINT NOT NULL,"
    " series BIGINT NOT NULL,"
    " name TEXT NOT NULL,"
    " expression TEXT NOT NULL,"
    " enabled BIGINT NOT NULL,"
    " created_ns BIGINT NOT NULL,"
    " updated_ns BIGINT NOT NULL,"
    " FOREIGN KEY (org, device) REFERENCES devices (org, id));"
    "CREATE UNIQUE INDEX synthetics_org ON synthetics (org, id);"
    "CREATE UNIQUE INDEX synthetics_uuid ON synthetics (org, uuid);"
    "CREATE UNIQUE INDEX synthetics_series ON synthetics (org, device, series);"

    "CREATE TABLE synthetic_progress ("
    " org BIGINT NOT NULL,"
    " device BIGINT NOT NULL,"
    " position_ns BIGINT NOT NULL,"
    " PRIMARY KEY (org, device),"
    " FOREIGN KEY (org, device) REFERENCES devices (org, id));";
