/* Limits and features of one organisation, usage, refusals, feedback.
 *
 * usage_days is the truth of the daily limits: `used` holds what was admitted and what nodes hold
 * on lease (pilot/quota.h); `warned` is 1 once the day's warning was raised. usage_hours is for
 * people: what was admitted in each hour and in its busiest minute. A row of refusals folds all of
 * one kind in one hour. */
#include "store/migration_pilot.h"

const char migration_pilot_sql[] =
    "CREATE TABLE organization_limits ("
    " org BIGINT NOT NULL REFERENCES organizations (id),"
    " name TEXT NOT NULL,"
    " max BIGINT NOT NULL,"
    " updated_ns BIGINT NOT NULL,"
    " PRIMARY KEY (org, name));"

    "CREATE TABLE organization_features ("
    " org BIGINT NOT NULL REFERENCES organizations (id),"
    " feature TEXT NOT NULL,"
    " enabled BIGINT NOT NULL,"
    " updated_ns BIGINT NOT NULL,"
    " PRIMARY KEY (org, feature));"

    "CREATE TABLE usage_days ("
    " org BIGINT NOT NULL,"
    " day BIGINT NOT NULL,"
    " name TEXT NOT NULL,"
    " used BIGINT NOT NULL,"
    " warned BIGINT NOT NULL DEFAULT 0,"
    " PRIMARY KEY (org, day, name));"
    "CREATE INDEX usage_days_day ON usage_days (day);"

    "CREATE TABLE usage_hours ("
    " org BIGINT NOT NULL,"
    " hour BIGINT NOT NULL,"
    " name TEXT NOT NULL,"
    " used BIGINT NOT NULL,"
    " busiest_minute BIGINT NOT NULL,"
    " PRIMARY KEY (org, hour, name));"
    "CREATE INDEX usage_hours_hour ON usage_hours (hour);"

    "CREATE TABLE refusals ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " org BIGINT NOT NULL,"
    " hour BIGINT NOT NULL,"
    " name TEXT NOT NULL,"
    " who TEXT NOT NULL,"
    " way TEXT NOT NULL,"
    " requests BIGINT NOT NULL,"
    " amount BIGINT NOT NULL,"
    " first_ns BIGINT NOT NULL,"
    " last_ns BIGINT NOT NULL);"
    "CREATE UNIQUE INDEX refusals_hour ON refusals (org, hour, name, who, way);"
    "CREATE INDEX refusals_last ON refusals (last_ns);"

    "CREATE TABLE pilot_feedback ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " org BIGINT NOT NULL,"
    " user_id BIGINT NOT NULL,"
    " category TEXT,"
    " rating BIGINT NOT NULL,"
    " title TEXT,"
    " message TEXT,"
    " email TEXT,"
    " metadata TEXT,"
    " created_ns BIGINT NOT NULL,"
    " FOREIGN KEY (org, user_id) REFERENCES users (org, id));"
    "CREATE INDEX pilot_feedback_created ON pilot_feedback (created_ns);"
    "CREATE INDEX pilot_feedback_user ON pilot_feedback (org, user_id);";
