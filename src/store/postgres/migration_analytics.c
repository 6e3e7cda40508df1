/* Views of what an installation does (store/analytics.h), materialized, each with the unique index
 * that a concurrent refresh needs. They reach from 31 days before the refresh's hour to the day
 * that readings may be ahead; analytics_state says which hour that is, so that a refresh sees one
 * time everywhere, and a test another one.
 *
 *   telemetry_hours, and the records of stale hours ──> analytics_device_hours (a plain view)
 *        ├──> analytics_volume    (org, hour)          ┐
 *        └──> analytics_activity  (org, device, day)   ├──> analytics_program (org)
 *             users, devices, dashboards, rules, alerts┘
 *
 * Hours are written about in their order, so a BRIN index of a few pages finds the last 31 days. */
#include "store/postgres/migration_analytics.h"

#define HOUR       "3600000000000"
#define DAY        "86400000000000"
#define FROM       "(SELECT hour_ns - 2678400000000000 FROM analytics_state)"
#define TO         "(SELECT hour_ns + 90000000000000 FROM analytics_state)"
#define AGO(days)  "(SELECT now_ns - " #days " * " DAY " FROM analytics_state)"
#define BACK(days) "(SELECT hour_ns - " #days " * " DAY " FROM analytics_state)"
#define NEVER      "'-9223372036854775808'::bigint"

const char migration_analytics_sql[] =
    "CREATE INDEX telemetry_hours_recent ON telemetry_hours USING brin (hour_ns)"
    " WITH (pages_per_range = 32, autosummarize = on);"

    "CREATE TABLE analytics_state ("
    " id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),"
    " now_ns BIGINT NOT NULL,"
    " hour_ns BIGINT NOT NULL,"
    " refreshed_ns BIGINT NOT NULL,"
    " changes BIGINT NOT NULL);"
    "INSERT INTO analytics_state (id, now_ns, hour_ns, refreshed_ns, changes)"
    " VALUES (1, 0, 0, 0, -1);"

    /* a stale hour is summed here and now; below retention's edge the sums are all there is */
    "CREATE VIEW analytics_series_hours AS"
    " SELECT h.org, h.device, h.hour_ns, h.series, h.count AS points, h.last_ns"
    " FROM telemetry_hours h WHERE h.hour_ns >= " FROM " AND h.hour_ns < " TO
    " AND NOT EXISTS (SELECT 1 FROM telemetry_stale s"
    "  LEFT JOIN telemetry_cutoffs c ON c.org = s.org"
    "  WHERE s.org = h.org AND s.device = h.device AND s.hour_ns = h.hour_ns"
    "  AND s.hour_ns >= coalesce(c.raw_ns, " NEVER "))"
    " UNION ALL"
    " SELECT s.org, s.device, s.hour_ns, u.series, count(*), max(r.ts_ns)"
    " FROM telemetry_stale s LEFT JOIN telemetry_cutoffs c ON c.org = s.org"
    " JOIN telemetry_records r ON r.org = s.org AND r.device = s.device"
    "  AND r.ts_ns >= s.hour_ns AND r.ts_ns < s.hour_ns + " HOUR
    " CROSS JOIN LATERAL unnest(r.series) AS u (series)"
    " WHERE s.hour_ns >= " FROM " AND s.hour_ns < " TO " AND s.hour_ns >= coalesce(c.raw_ns, " NEVER
    ")"
    " GROUP BY s.org, s.device, s.hour_ns, u.series;"

    "CREATE VIEW analytics_device_hours AS"
    " SELECT x.org, x.device, x.hour_ns, sum(x.points)::bigint AS points, count(*) AS series,"
    " max(x.last_ns) AS last_ns"
    " FROM analytics_series_hours x"
    " JOIN devices d ON d.org = x.org AND d.id = x.device AND d.deleted_ns = 0"
    " JOIN organizations o ON o.id = x.org AND o.deleted_ns = 0"
    " GROUP BY x.org, x.device, x.hour_ns;"

    "CREATE MATERIALIZED VIEW analytics_volume AS"
    " SELECT org, hour_ns, sum(points)::bigint AS points, count(*) AS devices,"
    " sum(series)::bigint AS series FROM analytics_device_hours GROUP BY org, hour_ns;"
    "CREATE UNIQUE INDEX analytics_volume_key ON analytics_volume (org, hour_ns);"

    "CREATE MATERIALIZED VIEW analytics_activity AS"
    " SELECT org, device, hour_ns - hour_ns % " DAY " AS day_ns, sum(points)::bigint AS points,"
    " count(*) AS hours, max(last_ns) AS last_ns"
    " FROM analytics_device_hours GROUP BY org, device, hour_ns - hour_ns % " DAY ";"
    "CREATE UNIQUE INDEX analytics_activity_key ON analytics_activity (org, device, day_ns);"

    "CREATE MATERIALIZED VIEW analytics_program AS"
    " SELECT o.id AS org, u.users, d.devices,"
    " (SELECT count(*) FROM dashboards x WHERE x.org = o.id) AS dashboards,"
    " (SELECT count(*) FROM rules x WHERE x.org = o.id) AS rules,"
    " (SELECT count(*) FROM alerts x WHERE x.org = o.id AND x.resolved_ns = 0) AS alerts_open,"
    " v.points_1, v.points_7, v.points_30, t.active_1, t.active_7, t.active_30,"
    " u.users_1, u.users_7, u.users_30, a.alerts_1, a.alerts_7, a.alerts_30"
    " FROM organizations o"
    " CROSS JOIN LATERAL (SELECT count(*) AS users,"
    "  count(*) FILTER (WHERE x.last_login_ns >= " AGO(
        1) ") AS users_1,"
           "  count(*) FILTER (WHERE x.last_login_ns >= " AGO(
               7) ") AS users_7,"
                  "  count(*) FILTER (WHERE x.last_login_ns >= " AGO(
                      30) ") AS users_30"
                          "  FROM users x WHERE x.org = o.id AND x.deleted_ns = 0) AS u"
                          " CROSS JOIN LATERAL (SELECT count(*) AS devices"
                          "  FROM devices x WHERE x.org = o.id AND x.deleted_ns = 0) AS d"
                          " CROSS JOIN LATERAL (SELECT"
                          "  count(*) FILTER (WHERE x.raised_ns >= " AGO(
                              1) ") AS alerts_1,"
                                 "  count(*) FILTER (WHERE x.raised_ns >= " AGO(
                                     7) ") AS alerts_7, count(*) AS alerts_30"
                                        "  FROM alerts x WHERE x.org = o.id AND x.raised_ns "
                                        ">= " AGO(
                                            30) ") AS a"
                                                " CROSS JOIN LATERAL (SELECT"
                                                "  coalesce(sum(x.points) FILTER (WHERE x.hour_ns "
                                                ">= " BACK(
                                                    1) "), 0)::bigint AS points_1,"
                                                       "  coalesce(sum(x.points) FILTER (WHERE "
                                                       "x.hour_ns >= " BACK(
                                                           7) "), 0)::bigint AS points_7,"
                                                              "  coalesce(sum(x.points) FILTER "
                                                              "(WHERE x.hour_ns >= " BACK(
                                                                  30) "), 0)::bigint AS points_30"
                                                                      "  FROM analytics_volume x "
                                                                      "WHERE x.org = o.id) AS v"
                                                                      " CROSS JOIN LATERAL (SELECT"
                                                                      "  count(*) FILTER (WHERE "
                                                                      "y.last_ns >= " BACK(
                                                                          1) ") AS active_1,"
                                                                             "  count(*) FILTER "
                                                                             "(WHERE y.last_ns "
                                                                             ">= " BACK(
                                                                                 7) ") AS active_7,"
                                                                                    "  count(*) "
                                                                                    "FILTER (WHERE "
                                                                                    "y.last_ns "
                                                                                    ">= " BACK(
                                                                                        30) ") AS "
                                                                                            "active"
                                                                                            "_30"
                                                                                            "  "
                                                                                            "FROM "
                                                                                            "(SELEC"
                                                                                            "T "
                                                                                            "max(x."
                                                                                            "last_"
                                                                                            "ns) "
                                                                                            "AS "
                                                                                            "last_"
                                                                                            "ns "
                                                                                            "FROM "
                                                                                            "analyt"
                                                                                            "ics_"
                                                                                            "activi"
                                                                                            "ty x "
                                                                                            "WHERE "
                                                                                            "x.org "
                                                                                            "= o.id"
                                                                                            "  "
                                                                                            "GROUP "
                                                                                            "BY "
                                                                                            "x."
                                                                                            "device"
                                                                                            ") AS "
                                                                                            "y) AS "
                                                                                            "t"
                                                                                            " WHERE"
                                                                                            " o."
                                                                                            "delete"
                                                                                            "d_ns "
                                                                                            "= 0;"
                                                                                            "CREATE"
                                                                                            " UNIQU"
                                                                                            "E "
                                                                                            "INDEX "
                                                                                            "analyt"
                                                                                            "ics_"
                                                                                            "progra"
                                                                                            "m_key "
                                                                                            "ON "
                                                                                            "analyt"
                                                                                            "ics_"
                                                                                            "progra"
                                                                                            "m "
                                                                                            "(org)"
                                                                                            ";";
