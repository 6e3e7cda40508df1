#pragma once
/* api/mqtt_topic.h -- the topics this server knows (contract §8).
 *   {prefix}/devices/{id}/telemetry, …/commands   prefix: sensorvision, indcloud
 *   v1/devices/me/telemetry                       ThingsBoard's devices
 * Threads: any (pure).   Memory: borrowed from the topic. */
#include "base/bytes.h"

enum mqtt_topic_kind {
    MQTT_TOPIC_OTHER,
    MQTT_TOPIC_TELEMETRY,
    MQTT_TOPIC_COMMANDS,
    MQTT_TOPIC_THINGSBOARD,
};
/* *ret_device: {id}, not empty; of ThingsBoard's topic empty. */
enum mqtt_topic_kind mqtt_topic_parse(struct bytes topic, struct bytes *ret_device);
