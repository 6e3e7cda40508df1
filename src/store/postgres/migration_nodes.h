#pragma once
/* store/postgres/migration_nodes.h -- triggers that tell every node of a change in the catalog. */
extern const char migration_nodes_sql[];
