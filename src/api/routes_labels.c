/* Tags and groups of devices: this part of the surface on one screen. */
#include "api/handlers_labels.h"

#define TAGS   "/api/v1/device-tags"
#define GROUPS "/api/v1/device-groups"
#define KIB(n) ((size_t)(n) << 10)

const struct route routes_labels[] = {
    /* method, path, who, where, body max, handler, id, what it does */
    {HTTP1_GET, TAGS, WHO_READER, ON_ASYNC, 0, labels_api_list, "deviceTags",
     "The organisation's tags by name, with how many devices have them, as an array or in pages."},
    {HTTP1_POST, TAGS, WHO_WRITER, ON_ASYNC, KIB(16), labels_api_create, "deviceTagCreate",
     "Make a tag {name,color}."},
    {HTTP1_GET, TAGS "/{id}", WHO_READER, ON_ASYNC, 0, labels_api_get, "deviceTag",
     "One tag with the first 1,000 devices that have it."},
    {HTTP1_PUT, TAGS "/{id}", WHO_WRITER, ON_ASYNC, KIB(16), labels_api_update, "deviceTagUpdate",
     "Change a tag; what is absent stays."},
    {HTTP1_DELETE, TAGS "/{id}", WHO_ORG_ADMIN, ON_ASYNC, KIB(16), labels_api_delete,
     "deviceTagDelete", "Delete a tag, also from its devices."},
    {HTTP1_POST, TAGS "/{id}/devices/{device}", WHO_WRITER, ON_ASYNC, KIB(16), labels_api_assign,
     "deviceTagAssign", "Give the tag to a device."},
    {HTTP1_DELETE, TAGS "/{id}/devices/{device}", WHO_WRITER, ON_ASYNC, KIB(16), labels_api_remove,
     "deviceTagRemove", "Take the tag from a device."},
    {HTTP1_GET, TAGS "/by-device/{device}", WHO_READER, ON_ASYNC, 0, labels_api_of_device,
     "deviceTagsOf", "The tags of a device."},

    {HTTP1_GET, GROUPS, WHO_READER, ON_ASYNC, 0, labels_api_list, "deviceGroups",
     "The organisation's groups by name, with how many devices they have, as an array or in "
     "pages."},
    {HTTP1_POST, GROUPS, WHO_WRITER, ON_ASYNC, KIB(16), labels_api_create, "deviceGroupCreate",
     "Make a group {name,description}."},
    {HTTP1_GET, GROUPS "/{id}", WHO_READER, ON_ASYNC, 0, labels_api_get, "deviceGroup",
     "One group with its first 1,000 devices."},
    {HTTP1_PUT, GROUPS "/{id}", WHO_WRITER, ON_ASYNC, KIB(16), labels_api_update,
     "deviceGroupUpdate", "Change a group; what is absent stays, null clears."},
    {HTTP1_DELETE, GROUPS "/{id}", WHO_ORG_ADMIN, ON_ASYNC, KIB(16), labels_api_delete,
     "deviceGroupDelete", "Delete a group; its devices stay."},
    {HTTP1_POST, GROUPS "/{id}/devices/{device}", WHO_WRITER, ON_ASYNC, KIB(16), labels_api_assign,
     "deviceGroupAssign", "Put a device in the group."},
    {HTTP1_DELETE, GROUPS "/{id}/devices/{device}", WHO_WRITER, ON_ASYNC, KIB(16),
     labels_api_remove, "deviceGroupRemove", "Take a device out of the group."},
    {HTTP1_GET, GROUPS "/by-device/{device}", WHO_READER, ON_ASYNC, 0, labels_api_of_device,
     "deviceGroupsOf", "The groups of a device."},
};
const size_t routes_labels_count = sizeof routes_labels / sizeof *routes_labels;
