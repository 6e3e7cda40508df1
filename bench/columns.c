/* What columns, blocks and segment files cost, in bytes and in time on one core.
 *
 * The data: 500 devices with 10 variables each, 1,000 readings at one per second. Every
 * variable is a random walk in hundredths: it starts uniformly in 0.00 ... 100.00 and moves
 * each second by a normal number of standard deviation 0.30, rounded to 0.01. The step's
 * entropy is log2(30 * sqrt(2 pi e)) = 6.95 bits, so no code that knows no more than that is
 * below 0.869 bytes a point. Usage: bench_columns [FOLDER for the files, default /tmp] */
#include "base/clock.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "codec/block.h"
#include "codec/block_rollup.h"
#include "store/embedded/segment.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DEVICES   500
#define VARIABLES 10
#define ROWS      1000
#define POINTS    ((double)DEVICES * VARIABLES * ROWS)
#define ROUNDS    5
#define START_NS                                                                                   \
    (INT64_C(1704067200) * NS_PER_S + 50 * NS_PER_MINUTE) /* the walk crosses an hour */

struct bench {
    int64_t ts[ROWS];
    double (*values)[ROWS]; /* DEVICES * VARIABLES of them */
    struct block_encoder *encoder;
    const char *dir;
};

static void must(enum err e, const char *what)
{
    if (!e) return;
    fprintf(stderr, "%s: %s\n", what, err_sentence(e));
    exit(1);
}

static double normal(struct rnd *r)
{
    double u = 1 - rnd_unit(r), v = rnd_unit(r);
    return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
}

static void make_data(struct bench *b)
{
    struct rnd r;
    rnd_seed(&r, 1);
    b->values = mem_array(DEVICES * VARIABLES, sizeof *b->values);
    if (!b->values) exit(1);
    for (int i = 0; i < ROWS; i++) b->ts[i] = START_NS + i * NS_PER_S;
    for (int s = 0; s < DEVICES * VARIABLES; s++) {
        long k = (long)rnd_below(&r, 10001);
        for (int i = 0; i < ROWS; i++) {
            b->values[s][i] = (double)k / 100;
            k += lround(normal(&r) * 30);
        }
    }
}

static double seconds_since(int64_t start)
{
    return (double)(clock_mono_ns(clock_real()) - start) / 1e9;
}

static void encode_device(struct bench *b, int device, struct buf *out)
{
    struct block_input in[VARIABLES];
    for (int v = 0; v < VARIABLES; v++)
        in[v] = (struct block_input){1 + device * VARIABLES + v, b->ts,
                                     b->values[device * VARIABLES + v], ROWS};
    must(block_encode(b->encoder, out, 1, 1 + device, in, VARIABLES), "encode");
}

static void bench_encode(struct bench *b)
{
    struct buf out;
    double best = 0;
    buf_init(&out, 1 << 24);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = clock_mono_ns(clock_real());
        for (int d = 0; d < DEVICES; d++) {
            buf_clear(&out);
            encode_device(b, d, &out);
        }
        double rate = POINTS / seconds_since(start) / 1e6;
        if (rate > best) best = rate;
    }
    printf("encode blocks            %7.1f M points/s\n", best);
    buf_done(&out);
}

static struct segment_info write_raw(struct bench *b)
{
    struct segment_writer *w;
    struct segment_info info;
    struct buf out;
    buf_init(&out, 1 << 24);
    int64_t start = clock_mono_ns(clock_real());
    must(segment_writer_open(&w, fs_real(), b->dir, 1, SEGMENT_RAW), b->dir);
    for (int d = 0; d < DEVICES; d++) {
        struct segment_block about = {1, 1 + d, b->ts[0], b->ts[ROWS - 1], VARIABLES * ROWS, 0, 0};
        buf_clear(&out);
        encode_device(b, d, &out);
        must(segment_writer_add(w, &about, buf_bytes(&out)), "add");
    }
    must(segment_writer_finish(w, &info), "finish");
    printf("encode, write and sync   %7.1f M points/s\n", POINTS / seconds_since(start) / 1e6);
    printf("raw file                 %7.4f bytes/point (%llu bytes)\n", (double)info.bytes / POINTS,
           (unsigned long long)info.bytes);
    buf_done(&out);
    return info;
}

static void read_device(const struct bench *b, const struct segment *s,
                        const struct segment_block *about, void *bytes)
{
    static struct sample samples[ROWS];
    struct block block;
    must(segment_read(s, about, bytes), "read");
    must(block_open(&block, bytes_of(bytes, about->length)), "open");
    for (uint32_t c = 0; c < block.column_count; c++) {
        must(block_read_samples(&block, &block.columns[c], samples), "decode");
        const double *want = b->values[block.columns[c].series - 1];
        if (samples[ROWS - 1].value != want[ROWS - 1] || samples[ROWS - 1].ts_ns != b->ts[ROWS - 1])
            must(ERR_CORRUPT, "compare");
    }
    block_close(&block);
}

static void bench_decode(const struct bench *b)
{
    struct segment *s;
    struct why why;
    size_t n;
    double best = 0;
    must(segment_open(&s, fs_real(), b->dir, 1, NULL, &why), "open the segment");
    const struct segment_block *blocks = segment_blocks(s, &n);
    void *bytes = mem_alloc(1 << 20);
    if (!bytes) exit(1);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = clock_mono_ns(clock_real());
        for (size_t i = 0; i < n; i++) read_device(b, s, &blocks[i], bytes);
        double rate = POINTS / seconds_since(start) / 1e6;
        if (rate > best) best = rate;
    }
    printf("read, check and decode   %7.1f M points/s\n", best);
    mem_free(bytes);
    segment_close(s);
}

/* Adds v to a rollup; the mean is kept in sum until the end (Welford). */
static void roll(struct rollup *r, int64_t ts, double v)
{
    if (r->count == 0)
        *r = (struct rollup){ts / NS_PER_HOUR * NS_PER_HOUR, 1, v, v, v, v, v, 0, ts, ts};
    else {
        double mean = r->sum / (double)r->count;
        r->count++;
        r->sum += v;
        r->m2 += (v - mean) * (v - r->sum / (double)r->count);
        r->min = fmin(r->min, v);
        r->max = fmax(r->max, v);
        r->last = v;
        r->last_ns = ts;
    }
}

static size_t roll_device(const struct bench *b, int device, struct block_rollup_row *rows)
{
    size_t n = 0;
    for (int v = 0; v < VARIABLES; v++) {
        int64_t series = 1 + device * VARIABLES + v, hour = INT64_MIN;
        for (int i = 0; i < ROWS; i++) {
            if (b->ts[i] / NS_PER_HOUR != hour) {
                hour = b->ts[i] / NS_PER_HOUR;
                rows[n++] = (struct block_rollup_row){.series = series};
            }
            roll(&rows[n - 1].rollup, b->ts[i], b->values[series - 1][i]);
        }
    }
    return n;
}

static void write_rollups(struct bench *b)
{
    struct segment_writer *w;
    struct segment_info info;
    struct block_rollup_row rows[VARIABLES * 2];
    struct buf out;
    size_t total = 0;
    buf_init(&out, 1 << 24);
    must(segment_writer_open(&w, fs_real(), b->dir, 2, SEGMENT_ROLLUP), b->dir);
    for (int d = 0; d < DEVICES; d++) {
        size_t n = roll_device(b, d, rows);
        struct segment_block about = {
            1, 1 + d, rows[0].rollup.hour_ns, rows[n - 1].rollup.hour_ns, n, 0, 0};
        buf_clear(&out);
        must(block_rollup_encode(b->encoder, &out, 1, 1 + d, rows, n), "encode rollups");
        must(segment_writer_add(w, &about, buf_bytes(&out)), "add");
        total += n;
    }
    must(segment_writer_finish(w, &info), "finish");
    printf("rollup file              %7.4f bytes/raw point (%llu bytes, %.1f bytes a row)\n",
           (double)info.bytes / POINTS, (unsigned long long)info.bytes,
           (double)info.bytes / (double)total);
    buf_done(&out);
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct why why;
    b.dir = argc > 1 ? argv[1] : "/tmp";
    make_data(&b);
    must(block_encoder_new(&b.encoder), "encoder");
    printf("%d devices x %d variables x %d seconds, two decimals, steps normal * 0.3\n", DEVICES,
           VARIABLES, ROWS);
    bench_encode(&b);
    struct segment_info info = write_raw(&b);
    bench_decode(&b);
    write_rollups(&b);
    must(segment_verify(fs_real(), b.dir, 1, &info, &why), why.text);
    block_encoder_free(b.encoder);
    mem_free(b.values);
    return 0;
}
