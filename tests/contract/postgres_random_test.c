/* R7 on PostgreSQL, the second of two seeds: a program of its own, so that both run side by side,
 * each on its own server. */
#include "postgres_maker.h"

int main(void)
{
    static struct postgres_maker m;
    const struct telemetry_random random = {2025, RANDOM_POSTGRES, 10};
    if (!postgres_maker_start(&m, NULL)) return postgres_server_skip("postgres, second seed");
    int failed = telemetry_suite_run_random(&m.maker, &random);
    postgres_maker_stop(&m);
    return failed;
}
