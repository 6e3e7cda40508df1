/* A disk in memory (see memory_fs.h). */
#include "memory_fs.h"

#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 256
#define FDS_MAX   256
#define SECTOR    512u

/* One change to a file since its last sync; data NULL: a truncation to `at`. */
struct change {
    struct change *next;
    size_t at, n;
    unsigned char *data;
    bool lost; /* a sync failed: no later one covers it */
};

struct content {
    unsigned char *p;
    size_t n, room;
};

struct node {
    int refs; /* names and descriptors */
    bool is_dir;
    struct content now, synced;
    struct change *first, *last;
};

struct name {
    char path[128];
    struct node *node;
};

struct names {
    struct name list[NAMES_MAX];
    size_t n;
};

/* A name made (from is empty), removed (to is empty) or changed, since its directory's last sync.
 * */
struct name_change {
    char from[128], to[128];
    struct node *node; /* of `to` */
};

struct memory_fs {
    struct fs fs;
    pthread_mutex_t mutex;
    struct names now, synced;
    struct name_change changes[4 * NAMES_MAX];
    size_t change_count;
    struct node *fds[FDS_MAX];
    void (*hook)(void *ctx, struct memory_fs *m);
    void *ctx;
};

static struct memory_fs *of(const struct fs *fs)
{
    return (struct memory_fs *)fs;
}

static void *need(void *p)
{
    bug_if(!p);
    return p;
}

static void content_set(struct content *c, size_t n)
{
    if (n > c->room) {
        c->room = n * 2;
        c->p = need(realloc(c->p, c->room));
    }
    if (n > c->n) memset(c->p + c->n, 0, n - c->n);
    c->n = n;
}

static void content_write(struct content *c, size_t at, const unsigned char *p, size_t n)
{
    if (at + n > c->n) content_set(c, at + n);
    memcpy(c->p + at, p, n);
}

static void content_copy(struct content *to, const struct content *from)
{
    content_set(to, from->n);
    if (from->n) memcpy(to->p, from->p, from->n);
}

static void change_free(struct change *c)
{
    free(c->data);
    free(c);
}

static void drop_changes(struct node *node)
{
    while (node->first) {
        struct change *c = node->first;
        node->first = c->next;
        change_free(c);
    }
    node->last = NULL;
}

/* Was what this change wrote written or cut again later, and is not lost that time? */
static bool is_redone(const struct change *c)
{
    for (const struct change *later = c->next; later; later = later->next) {
        bool overlaps = later->data ? later->at < c->at + c->n && c->at < later->at + later->n
                                    : later->at < c->at + c->n;
        if (!later->lost && (overlaps || !c->data)) return true;
    }
    return false;
}

/* Brings the changes to the disk, but for those that a failed sync has lost. */
static void sync_changes(struct node *node)
{
    struct change *c = node->first, *next;
    node->first = node->last = NULL;
    for (; c; c = next) {
        next = c->next;
        bool redone = is_redone(c);
        c->next = NULL;
        if (c->lost && redone) {
            change_free(c);
            continue;
        }
        if (c->lost) {
            if (node->last)
                node->last->next = c;
            else
                node->first = c;
            node->last = c;
            continue;
        }
        if (c->data)
            content_write(&node->synced, c->at, c->data, c->n);
        else
            content_set(&node->synced, c->at);
        change_free(c);
    }
}

static struct node *node_ref(struct node *node)
{
    if (node) node->refs++;
    return node;
}

static void node_unref(struct node *node)
{
    if (!node || --node->refs) return;
    drop_changes(node);
    free(node->now.p);
    free(node->synced.p);
    free(node);
}

static void add_change(struct node *node, size_t at, const void *data, size_t n, bool lost)
{
    struct change *c = need(calloc(1, sizeof *c));
    c->at = at;
    c->n = n;
    c->lost = lost;
    if (data) {
        c->data = need(malloc(n ? n : 1));
        memcpy(c->data, data, n);
    }
    if (node->last)
        node->last->next = c;
    else
        node->first = c;
    node->last = c;
}

static struct name *find(struct names *names, const char *path)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->list[i].path, path) == 0) return &names->list[i];
    return NULL;
}

static void put(struct names *names, const char *path, struct node *node)
{
    struct name *name = find(names, path);
    node_ref(node);
    if (name) {
        node_unref(name->node);
    } else {
        bug_if(names->n == NAMES_MAX);
        name = &names->list[names->n++];
        snprintf(name->path, sizeof name->path, "%s", path);
    }
    name->node = node;
}

static void take_away(struct names *names, const char *path)
{
    struct name *name = find(names, path);
    if (!name) return;
    node_unref(name->node);
    *name = names->list[--names->n];
}

static void apply(struct names *names, const struct name_change *c)
{
    if (c->from[0]) take_away(names, c->from);
    if (c->to[0]) put(names, c->to, c->node);
}

static void change_name(struct memory_fs *m, const char *from, const char *to, struct node *node)
{
    bug_if(m->change_count == sizeof m->changes / sizeof *m->changes);
    struct name_change *c = &m->changes[m->change_count++];
    snprintf(c->from, sizeof c->from, "%s", from);
    snprintf(c->to, sizeof c->to, "%s", to);
    c->node = node_ref(node);
    apply(&m->now, c);
}

/* Is this a name in the directory? */
static bool is_in(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    while (n && dir[n - 1] == '/') n--;
    return strncmp(path, dir, n) == 0 && path[n] == '/' && !strchr(path + n + 1, '/');
}

static void sync_names(struct memory_fs *m, const char *dir)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->change_count; i++) {
        struct name_change *c = &m->changes[i];
        if (is_in(c->to[0] ? c->to : c->from, dir)) {
            apply(&m->synced, c);
            node_unref(c->node);
        } else {
            m->changes[kept++] = *c;
        }
    }
    m->change_count = kept;
}

/* --- the operations --- */

static void begin(struct memory_fs *m, bool changes)
{
    pthread_mutex_lock(&m->mutex);
    if (changes && m->hook) m->hook(m->ctx, m);
}

static int64_t end(struct memory_fs *m, int64_t result)
{
    pthread_mutex_unlock(&m->mutex);
    return result;
}

static int new_fd(struct memory_fs *m, struct node *node)
{
    for (int fd = 0; fd < FDS_MAX; fd++)
        if (!m->fds[fd]) {
            m->fds[fd] = node_ref(node);
            return fd;
        }
    return -EMFILE;
}

static int memory_open(const struct fs *fs, const char *path, int flags, int mode)
{
    struct memory_fs *m = of(fs);
    (void)mode;
    begin(m, (flags & O_CREAT) != 0);
    struct name *name = find(&m->now, path);
    if (name && flags & O_CREAT && flags & O_EXCL) return (int)end(m, -EEXIST);
    if (!name && !(flags & O_CREAT)) return (int)end(m, -ENOENT);
    struct node *node = name ? name->node : need(calloc(1, sizeof *node));
    if (!name) change_name(m, "", path, node);
    return (int)end(m, new_fd(m, node));
}

static int memory_close(const struct fs *fs, int fd)
{
    struct memory_fs *m = of(fs);
    begin(m, false);
    node_unref(m->fds[fd]);
    m->fds[fd] = NULL;
    return (int)end(m, 0);
}

static int64_t memory_pread(const struct fs *fs, int fd, void *p, size_t n, int64_t at)
{
    struct memory_fs *m = of(fs);
    begin(m, false);
    const struct content *c = &m->fds[fd]->now;
    size_t from = (size_t)at, got = from >= c->n ? 0 : c->n - from < n ? c->n - from : n;
    if (got) memcpy(p, c->p + from, got);
    return end(m, (int64_t)got);
}

static int64_t memory_pwrite(const struct fs *fs, int fd, const void *p, size_t n, int64_t at)
{
    struct memory_fs *m = of(fs);
    begin(m, true);
    content_write(&m->fds[fd]->now, (size_t)at, p, n);
    add_change(m->fds[fd], (size_t)at, p, n, false);
    return end(m, (int64_t)n);
}

static int memory_sync(const struct fs *fs, int fd)
{
    struct memory_fs *m = of(fs);
    begin(m, true);
    struct node *node = m->fds[fd];
    if (node->is_dir) {
        for (size_t i = 0; i < m->now.n; i++)
            if (m->now.list[i].node == node) sync_names(m, m->now.list[i].path);
    } else {
        sync_changes(node);
    }
    return (int)end(m, 0);
}

void memory_fs_sync_failed(const struct fs *fs, int fd)
{
    struct memory_fs *m = of(fs);
    begin(m, false);
    for (struct change *c = m->fds[fd]->first; c; c = c->next) c->lost = true;
    end(m, 0);
}

static int memory_truncate(const struct fs *fs, int fd, int64_t size)
{
    struct memory_fs *m = of(fs);
    begin(m, true);
    content_set(&m->fds[fd]->now, (size_t)size);
    add_change(m->fds[fd], (size_t)size, NULL, 0, false);
    return (int)end(m, 0);
}

static int64_t memory_size(const struct fs *fs, int fd)
{
    struct memory_fs *m = of(fs);
    begin(m, false);
    return end(m, (int64_t)m->fds[fd]->now.n);
}

static int memory_lock(const struct fs *fs, int fd)
{
    (void)fs;
    (void)fd;
    return 0;
}

static int memory_rename(const struct fs *fs, const char *from, const char *to)
{
    struct memory_fs *m = of(fs);
    begin(m, true);
    struct name *name = find(&m->now, from);
    if (!name) return (int)end(m, -ENOENT);
    change_name(m, from, to, name->node);
    return (int)end(m, 0);
}

static int memory_unlink(const struct fs *fs, const char *path)
{
    struct memory_fs *m = of(fs);
    begin(m, true);
    if (!find(&m->now, path)) return (int)end(m, -ENOENT);
    change_name(m, path, "", NULL);
    return (int)end(m, 0);
}

static int memory_mkdir(const struct fs *fs, const char *path, int mode)
{
    struct memory_fs *m = of(fs);
    (void)mode;
    begin(m, true);
    if (find(&m->now, path)) return (int)end(m, -EEXIST);
    struct node *node = need(calloc(1, sizeof *node));
    node->is_dir = true;
    change_name(m, "", path, node);
    return (int)end(m, 0);
}

static int memory_list(const struct fs *fs, const char *path,
                       void (*visit)(void *ctx, const char *name), void *ctx)
{
    struct memory_fs *m = of(fs);
    begin(m, false);
    for (size_t i = 0; i < m->now.n; i++)
        if (is_in(m->now.list[i].path, path)) visit(ctx, strrchr(m->now.list[i].path, '/') + 1);
    return (int)end(m, 0);
}

/* --- life and death --- */

struct memory_fs *memory_fs_new(void)
{
    struct memory_fs *m = need(calloc(1, sizeof *m));
    m->fs = (struct fs){memory_open,   memory_close,    memory_pread, memory_pwrite, memory_sync,
                        memory_sync,   memory_truncate, memory_size,  memory_lock,   memory_rename,
                        memory_unlink, memory_mkdir,    memory_list};
    pthread_mutexattr_t recursive; /* a hook may take images */
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&m->mutex, &recursive);
    pthread_mutexattr_destroy(&recursive);
    struct node *root = need(calloc(1, sizeof *root));
    root->is_dir = true;
    put(&m->now, "/", root);
    put(&m->synced, "/", root);
    return m;
}

void memory_fs_free(struct memory_fs *m)
{
    while (m->now.n) take_away(&m->now, m->now.list[0].path);
    while (m->synced.n) take_away(&m->synced, m->synced.list[0].path);
    for (size_t i = 0; i < m->change_count; i++) node_unref(m->changes[i].node);
    for (int fd = 0; fd < FDS_MAX; fd++) node_unref(m->fds[fd]);
    pthread_mutex_destroy(&m->mutex);
    free(m);
}

const struct fs *memory_fs_ops(struct memory_fs *m)
{
    return &m->fs;
}

void memory_fs_hook(struct memory_fs *m, void (*hook)(void *ctx, struct memory_fs *m), void *ctx)
{
    m->hook = hook;
    m->ctx = ctx;
}

/* --- images --- */

static void survive_write(struct content *to, const struct change *c, struct rnd *rnd)
{
    switch (rnd_below(rnd, 4)) {
    case 0:
        return;
    case 1:
        content_write(to, c->at, c->data, c->n);
        return;
    default:
        break;
    }
    for (size_t at = c->at; at < c->at + c->n;) {
        size_t stop = at / SECTOR * SECTOR + SECTOR;
        if (stop > c->at + c->n) stop = c->at + c->n;
        if (rnd_below(rnd, 2)) content_write(to, at, c->data + (at - c->at), stop - at);
        at = stop;
    }
}

static struct node *survive(const struct node *node, struct rnd *rnd)
{
    struct node *copy = need(calloc(1, sizeof *copy));
    copy->is_dir = node->is_dir;
    content_copy(&copy->now, &node->synced);
    for (const struct change *c = node->first; c; c = c->next) {
        if (c->data)
            survive_write(&copy->now, c, rnd);
        else if (rnd_below(rnd, 2))
            content_set(&copy->now, c->at);
    }
    content_copy(&copy->synced, &copy->now);
    return copy;
}

/* A name in a directory that is not there can not be reached. */
static bool has_parent(struct names *names, const char *path)
{
    char parent[128];
    snprintf(parent, sizeof parent, "%s", path);
    *strrchr(parent, '/') = 0;
    return !parent[0] || find(names, parent);
}

struct memory_fs *memory_fs_after_power_loss(struct memory_fs *m, struct rnd *rnd)
{
    struct memory_fs *copy = memory_fs_new();
    pthread_mutex_lock(&m->mutex);
    struct names names = m->synced;
    for (size_t i = 0; i < names.n; i++) node_ref(names.list[i].node);
    size_t made = (size_t)rnd_below(rnd, m->change_count + 1);
    for (size_t i = 0; i < made; i++) apply(&names, &m->changes[i]);
    for (size_t i = 0; i < names.n; i++) {
        if (!has_parent(&names, names.list[i].path)) continue;
        struct node *node = survive(names.list[i].node, rnd);
        put(&copy->now, names.list[i].path, node);
        put(&copy->synced, names.list[i].path, node);
    }
    while (names.n) take_away(&names, names.list[0].path);
    pthread_mutex_unlock(&m->mutex);
    return copy;
}

/* The copy of a node that several names share is made once. */
struct twin {
    const struct node *node;
    struct node *copy;
};

static struct node *twin_of(struct twin *twins, size_t *count, const struct node *node)
{
    if (!node) return NULL;
    for (size_t i = 0; i < *count; i++)
        if (twins[i].node == node) return twins[i].copy;
    struct node *copy = need(calloc(1, sizeof *copy));
    copy->is_dir = node->is_dir;
    content_copy(&copy->now, &node->now);
    content_copy(&copy->synced, &node->synced);
    for (const struct change *c = node->first; c; c = c->next)
        add_change(copy, c->at, c->data, c->n, c->lost);
    twins[(*count)++] = (struct twin){node, copy};
    return copy;
}

struct memory_fs *memory_fs_after_kill(struct memory_fs *m)
{
    struct memory_fs *copy = memory_fs_new();
    struct twin *twins = need(calloc(6 * NAMES_MAX, sizeof *twins));
    size_t count = 0;
    pthread_mutex_lock(&m->mutex);
    for (size_t i = 0; i < m->now.n; i++)
        put(&copy->now, m->now.list[i].path, twin_of(twins, &count, m->now.list[i].node));
    for (size_t i = 0; i < m->synced.n; i++)
        put(&copy->synced, m->synced.list[i].path, twin_of(twins, &count, m->synced.list[i].node));
    for (size_t i = 0; i < m->change_count; i++) {
        copy->changes[i] = m->changes[i];
        copy->changes[i].node = node_ref(twin_of(twins, &count, m->changes[i].node));
    }
    copy->change_count = m->change_count;
    pthread_mutex_unlock(&m->mutex);
    free(twins);
    return copy;
}

unsigned char *memory_fs_file(struct memory_fs *m, size_t n, size_t *ret_bytes,
                              const char **ret_path)
{
    for (size_t i = 0; i < m->now.n; i++) {
        struct node *node = m->now.list[i].node;
        if (node->is_dir || n--) continue;
        *ret_bytes = node->now.n;
        *ret_path = m->now.list[i].path;
        return node->now.p;
    }
    return NULL;
}
