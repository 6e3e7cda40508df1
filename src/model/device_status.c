/* Can a device be heard (see device_status.h). */
#include "model/device_status.h"

static const char *const names[] = {"UNKNOWN", "ONLINE", "OFFLINE"};

enum device_status device_status_at(int64_t last_seen_ns, int64_t now_ns)
{
    if (!last_seen_ns) return DEVICE_UNKNOWN;
    return now_ns - last_seen_ns < DEVICE_SILENCE_NS ? DEVICE_ONLINE : DEVICE_OFFLINE;
}

const char *device_status_name(enum device_status status)
{
    return names[status];
}

bool device_status_parse(struct bytes name, enum device_status *ret)
{
    for (int i = DEVICE_UNKNOWN; i <= DEVICE_OFFLINE; i++) {
        if (!bytes_is(name, names[i])) continue;
        *ret = (enum device_status)i;
        return true;
    }
    return false;
}
