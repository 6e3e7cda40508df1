/* Invitations, pictures, and what an organisation says of itself. A user who was deleted keeps the
 * row when the week to restore it is over, without anything personal in it (purged_ns): the audit
 * trail goes on pointing at something. */
#include "store/migration_people.h"

const char migration_people_sql[] =
    "ALTER TABLE organizations ADD COLUMN description TEXT;"
    "ALTER TABLE organizations ADD COLUMN settings TEXT;"
    "ALTER TABLE organizations ADD COLUMN updated_ns BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE organizations ADD COLUMN purged_ns BIGINT NOT NULL DEFAULT 0;"
    "CREATE INDEX organizations_deleted ON organizations (deleted_ns) WHERE deleted_ns <> 0;"
    "ALTER TABLE users ADD COLUMN purged_ns BIGINT NOT NULL DEFAULT 0;"
    "CREATE INDEX users_deleted ON users (deleted_ns) WHERE deleted_ns <> 0;"

    "CREATE TABLE invitations ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " org BIGINT NOT NULL REFERENCES organizations (id),"
    " email TEXT NOT NULL,"
    " roles BIGINT NOT NULL,"
    " hash BLOB NOT NULL,"
    " invited_by BIGINT NOT NULL,"
    " inviter TEXT,"
    " sends BIGINT NOT NULL,"
    " created_ns BIGINT NOT NULL,"
    " expires_ns BIGINT NOT NULL,"
    " accepted_ns BIGINT NOT NULL DEFAULT 0,"
    " revoked_ns BIGINT NOT NULL DEFAULT 0);"
    "CREATE UNIQUE INDEX invitations_hash ON invitations (hash);"
    "CREATE INDEX invitations_org ON invitations (org, id);"
    "CREATE UNIQUE INDEX invitations_open ON invitations (org, lower(email)) "
    "WHERE accepted_ns = 0 AND revoked_ns = 0;"

    "CREATE TABLE avatars ("
    " org BIGINT NOT NULL,"
    " user_id BIGINT NOT NULL,"
    " media_type TEXT NOT NULL,"
    " image BLOB NOT NULL,"
    " PRIMARY KEY (org, user_id),"
    " FOREIGN KEY (org, user_id) REFERENCES users (org, id));";
