/* Who says what for which device in one MQTT message (see mqtt_api.h). */
#include "api/mqtt_internal.h"
#include "api/mqtt_topic.h"
#include "codec/json_message.h"
#include "service/auth_service.h"

/* The token may have been replaced or its device silenced since the CONNECT. */
bool mqtt_message_client_is_valid(struct mqtt_api *api, const struct mqtt_client *client)
{
    const struct reg_device *d = client->who.device;
    if (client->who.kind != PRINCIPAL_DEVICE) return false;
    return registry_find_token(api->app->registry, client->token_hash) == d &&
           atomic_load_explicit(&d->active, memory_order_relaxed);
}

/* The token in the message, the one of the CONNECT, or the installation's word that none is needed.
 * Two tokens of two organisations contradict each other. */
static bool find_principal(struct mqtt_api *api, const struct mqtt_client *client,
                           struct bytes token, struct principal *ret)
{
    bool proven = client->who.kind == PRINCIPAL_DEVICE;
    if (proven && !mqtt_message_client_is_valid(api, client)) return false;
    if (token.n) {
        if (auth_service_authenticate_token(api->app->auth, token, ret)) return false;
        if (ret->kind != PRINCIPAL_DEVICE) return false;
        return !proven || ret->org == client->who.org;
    }
    *ret = client->who;
    if (proven) return true;
    *ret = (struct principal){.kind = PRINCIPAL_USER, .org = api->open_org, .roles = ROLE_USER};
    return api->open_org != 0;
}

enum mqtt_reason mqtt_message_read(struct mqtt_api *api, const struct mqtt_client *client,
                                   struct bytes topic, struct bytes payload, struct arena *arena,
                                   struct raw_batch *raw, struct mqtt_said *ret)
{
    struct bytes device, token = {NULL, 0};
    struct why why;
    enum mqtt_topic_kind kind = mqtt_topic_parse(topic, &device);
    enum err e = ERR_OK;
    if (kind == MQTT_TOPIC_TELEMETRY)
        e = json_message_device(payload, arena, raw, &token, &why);
    else if (kind == MQTT_TOPIC_THINGSBOARD)
        e = json_message_thingsboard(payload, arena, raw, &why);
    else
        return MQTT_NOT_AUTHORIZED;
    if (e) return mqtt_ingest_reason(e);
    if (!find_principal(api, client, token, &ret->who)) return MQTT_NOT_AUTHORIZED;
    if (kind == MQTT_TOPIC_THINGSBOARD && ret->who.kind != PRINCIPAL_DEVICE)
        return MQTT_NOT_AUTHORIZED; /* nobody is "me" */
    ret->device = device.n ? device : ret->who.device->external_id;
    struct bytes said = raw->records[0].device_id;
    return said.n && !bytes_equal(said, ret->device) ? MQTT_BAD_PAYLOAD : MQTT_SUCCESS;
}
