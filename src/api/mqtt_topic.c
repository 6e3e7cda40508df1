/* Topics (see mqtt_topic.h). */
#include "api/mqtt_topic.h"

static struct bytes behind_prefix(struct bytes topic)
{
    static const char *const prefixes[] = {"sensorvision/devices/", "indcloud/devices/"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        struct bytes prefix = bytes_str(prefixes[i]);
        if (bytes_starts(topic, prefix)) return bytes_of(topic.p + prefix.n, topic.n - prefix.n);
    }
    return bytes_of(NULL, 0);
}

enum mqtt_topic_kind mqtt_topic_parse(struct bytes topic, struct bytes *ret_device)
{
    struct bytes id, last, rest = behind_prefix(topic);
    *ret_device = bytes_of(NULL, 0);
    if (!rest.p)
        return bytes_is(topic, "v1/devices/me/telemetry") ? MQTT_TOPIC_THINGSBOARD
                                                          : MQTT_TOPIC_OTHER;
    last = bytes_cut(rest, '/', &id);
    if (!id.n || !last.p) return MQTT_TOPIC_OTHER;
    *ret_device = id;
    if (bytes_is(last, "telemetry")) return MQTT_TOPIC_TELEMETRY;
    return bytes_is(last, "commands") ? MQTT_TOPIC_COMMANDS : MQTT_TOPIC_OTHER;
}
