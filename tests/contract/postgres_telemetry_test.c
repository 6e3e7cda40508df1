/* PostgreSQL keeps the contract of store/telemetry.h, and answers as the model does: R7, the first
 * of its two seeds (postgres_random_test.c has the other). */
#include "postgres_maker.h"

int main(void)
{
    static struct postgres_maker m;
    const struct telemetry_random random = {2024, RANDOM_POSTGRES, 10};
    if (!postgres_maker_start(&m, NULL)) return postgres_server_skip("postgres");
    int failed = telemetry_suite_run(&m.maker);
    failed += telemetry_suite_run_copies(&m.maker);
    failed += telemetry_suite_run_random(&m.maker, &random);
    postgres_maker_stop(&m);
    return failed;
}
