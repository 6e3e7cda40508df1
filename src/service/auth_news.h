#pragma once
/* service/auth_news.h -- who may, after another server changed it (store/nodes.h): each call reads
 * what the catalog has now and makes memory the same.
 * Threads: one, which blocks on the catalog.   Memory: none kept. */
#include "service/auth_service.h"

enum err auth_news_user(struct auth_service *s, int64_t user) MUST_CHECK;
enum err auth_news_key(struct auth_service *s, int64_t org, int64_t key) MUST_CHECK;
enum err auth_news_session(struct auth_service *s, struct bytes session) MUST_CHECK;
/* Is this a setting that auth_news_secret() follows? */
bool auth_news_is_secret(struct bytes setting);
enum err auth_news_secret(struct auth_service *s) MUST_CHECK;
/* Of a login or a registration at another node (security/lockout.h). */
void auth_news_attempt(struct auth_service *s, struct bytes news);
/* Users, keys, sessions, secrets. */
enum err auth_news_all(struct auth_service *s) MUST_CHECK;
