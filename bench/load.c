/* A load client that opens many WebSockets and counts frames: enough of RFC 6455, on one epoll, in one thread.
 *
 * load [--at-once N] [--expect EVENTS] [--quiet SECONDS] [--hello] [--ack] [--samples FILE]
 *      [--cursors FILE] < lines of "port <TAB> path <TAB> cookies"
 *
 * Every socket has its own loopback address (127.1.x.y), like the clients of a real server. Once all are open (with
 * --hello: once all have received a first frame) the client prints one JSON line about the opening. It prints a second
 * line, about the events received, after --expect events, on SIGTERM, or, after SIGUSR1, after --quiet seconds without
 * any. An event is recognised by `"seq":` in a text frame, and its age by the `"t":` that follows it: CLOCK_MONOTONIC
 * in nanoseconds, which all processes of a machine share.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum { NEW, CONNECTING, SHAKING, OPEN, CLOSED };
enum { ROOM = 1 << 20, BUCKETS = 1 << 22, CODES = 5000, STEP_NS = 10000 };

struct peer {
    int fd, state, greeted;
    long long last;
    char *kept; /* the beginning of a frame that is not complete yet */
    size_t kept_size;
    char *cursor;
    char *path, *cookies;
    int port;
};

static struct peer *peers;
static int count, epoll, at_once = 1000, hello, ack;
static double quiet = 3;
static long long expect = -1, frames, events, disorder, bytes, first_event_ns, last_event_ns, began_ns;
static int opened, shaken, greeted, failed, closed, pending;
static int statuses[1000], codes[CODES];
static uint32_t *ages;
static long long oldest_ns;
static double sum_ns;
static FILE *samples;
static const char *cursors_file;
static char room[ROOM];
static volatile sig_atomic_t over, published;

static long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void stop(int number) {
    (void)number;
    over = 1;
}

static void end_when_quiet(int number) {
    (void)number;
    published = 1;
}

static int is_quiet(void) {
    static long long since;
    if (!published) return 0;
    if (!since) since = now_ns();
    return (now_ns() - (last_event_ns > since ? last_event_ns : since)) / 1e9 > quiet;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void drop(struct peer *peer, int code) {
    if (peer->state == OPEN) closed++;
    else failed++;
    if (peer->state != OPEN) pending--;
    if (peer->state == OPEN && hello && !peer->greeted) pending--;
    if (code >= 0 && code < CODES) codes[code]++;
    peer->state = CLOSED;
    close(peer->fd);
    free(peer->kept);
    peer->kept = NULL;
    peer->kept_size = 0;
}

static void send_frame(struct peer *peer, int opcode, const char *text, size_t size) {
    unsigned char frame[4096 + 8];
    size_t head = size < 126 ? 6 : 8;
    if (size > 4096) return;
    frame[0] = 0x80 | opcode;
    if (size < 126) {
        frame[1] = 0x80 | size;
    } else {
        frame[1] = 0x80 | 126;
        frame[2] = size >> 8;
        frame[3] = size & 255;
    }
    memset(frame + head - 4, 0, 4); /* a mask of zeros leaves the text as it is */
    memcpy(frame + head, text, size);
    if (write(peer->fd, frame, head + size) < 0 && errno != EAGAIN) drop(peer, 1006);
}

static void note_age(long long sent, long long now) {
    long long age = now - sent;
    long long bucket = age / STEP_NS;
    if (bucket < 0) bucket = 0;
    if (bucket >= BUCKETS) bucket = BUCKETS - 1;
    ages[bucket]++;
    sum_ns += age;
    if (age > oldest_ns) oldest_ns = age;
    if (samples) fprintf(samples, "%lld %lld\n", sent, now);
}

static void read_text(struct peer *peer, const char *text, size_t size, long long now) {
    static const char SEQ[] = "\"seq\":", T[] = "\"t\":", CURSOR[] = "\"cursor\":\"";
    const char *end = text + size, *at = text;
    int had = 0;
    frames++;
    if (!peer->greeted) {
        peer->greeted = 1;
        greeted++;
        if (hello) pending--;
    }
    while ((at = memmem(at, end - at, SEQ, sizeof SEQ - 1))) {
        at += sizeof SEQ - 1;
        long long seq = strtoll(at, NULL, 10);
        if (peer->last && seq != peer->last + 1) disorder++;
        peer->last = seq;
        events++;
        had = 1;
        const char *stamp = memmem(at, end - at, T, sizeof T - 1);
        if (stamp) note_age(strtoll(stamp + sizeof T - 1, NULL, 10), now);
    }
    if (had) {
        if (!first_event_ns) first_event_ns = now;
        last_event_ns = now;
    }
    if (!cursors_file && !(ack && had)) return;
    const char *cursor = memmem(text, size, CURSOR, sizeof CURSOR - 1);
    if (!cursor) return;
    cursor += sizeof CURSOR - 1;
    const char *quote = memchr(cursor, '"', end - cursor);
    if (!quote) return;
    if (cursors_file) {
        free(peer->cursor);
        peer->cursor = strndup(cursor, quote - cursor);
    }
    if (ack && had) {
        char frame[4096];
        int length = snprintf(frame, sizeof frame, "{\"ack\":\"%.*s\"}", (int)(quote - cursor), cursor);
        send_frame(peer, 1, frame, length);
    }
}

/* Return the bytes of complete frames. The rest is the beginning of one more. */
static size_t read_frames(struct peer *peer, const char *data, size_t size, long long now) {
    size_t at = 0;
    while (size - at >= 2 && peer->state == OPEN) {
        const unsigned char *frame = (const unsigned char *)data + at;
        size_t head = 2, length = frame[1] & 127;
        if (length == 126) {
            if (size - at < 4) break;
            length = frame[2] << 8 | frame[3];
            head = 4;
        } else if (length == 127) {
            if (size - at < 10) break;
            length = 0;
            for (int index = 2; index < 10; index++) length = length << 8 | frame[index];
            head = 10;
        }
        if (size - at < head + length) break;
        const char *body = data + at + head;
        at += head + length;
        switch (frame[0] & 15) {
        case 1: read_text(peer, body, length, now); break;
        case 9: send_frame(peer, 10, body, length); break;
        case 8: drop(peer, length >= 2 ? ((unsigned char)body[0] << 8 | (unsigned char)body[1]) : 1005); break;
        default: break;
        }
    }
    return at;
}

static void request(struct peer *peer) {
    char text[8192];
    int length = snprintf(
        text, sizeof text,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nOrigin: http://127.0.0.1:%d\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
        peer->path, peer->port, peer->port, *peer->cookies ? "Cookie: " : "", peer->cookies,
        *peer->cookies ? "\r\n" : "");
    peer->state = SHAKING;
    if (write(peer->fd, text, length) != length) drop(peer, 1006);
}

/* Return the bytes of the answer's head once it is complete, 0 before, and -1 if it refuses. */
static ssize_t read_answer(struct peer *peer, char *data, size_t size) {
    char *end = memmem(data, size, "\r\n\r\n", 4);
    if (!end) return 0;
    int status = size > 12 ? atoi(data + 9) : 0;
    statuses[status > 0 && status < 1000 ? status : 0]++;
    if (status != 101) return -1;
    shaken++;
    peer->state = OPEN;
    if (!hello) pending--;
    return end + 4 - data;
}

static void receive(struct peer *peer) {
    size_t size = peer->kept_size;
    if (size) memcpy(room, peer->kept, size);
    ssize_t got = read(peer->fd, room + size, ROOM - size);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        drop(peer, 1006);
        return;
    }
    long long now = now_ns();
    bytes += got;
    size += got;
    size_t done = 0;
    if (peer->state == SHAKING) {
        ssize_t head = read_answer(peer, room, size);
        if (head < 0) {
            drop(peer, -1);
            return;
        }
        done = head;
    }
    if (peer->state == OPEN) done += read_frames(peer, room + done, size - done, now);
    if (peer->state == CLOSED) return;
    peer->kept_size = size - done;
    if (peer->kept_size) {
        peer->kept = realloc(peer->kept, peer->kept_size);
        memcpy(peer->kept, room + done, peer->kept_size);
    }
}

static void begin(struct peer *peer, int index) {
    int yes = 1;
    struct sockaddr_in own = {.sin_family = AF_INET}, server = {.sin_family = AF_INET};
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (peer->fd < 0) die("socket");
    setsockopt(peer->fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    own.sin_addr.s_addr = htonl(0x7f010000u | (index / 250 + 1) << 8 | (index % 250 + 1));
    if (bind(peer->fd, (struct sockaddr *)&own, sizeof own) < 0) die("bind");
    server.sin_port = htons(peer->port);
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer->state = CONNECTING;
    pending++;
    opened++;
    if (connect(peer->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) {
        drop(peer, 1006);
        return;
    }
    struct epoll_event wanted = {.events = EPOLLOUT, .data.ptr = peer};
    epoll_ctl(epoll, EPOLL_CTL_ADD, peer->fd, &wanted);
}

static void connected(struct peer *peer) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        drop(peer, 1006);
        return;
    }
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = peer};
    epoll_ctl(epoll, EPOLL_CTL_MOD, peer->fd, &wanted);
    request(peer);
}

static void open_more(void) {
    while (opened < count && pending < at_once) begin(&peers[opened], opened);
}

static void print_counts(const char *name, const int *counts, int size) {
    const char *comma = "";
    printf(",\"%s\":{", name);
    for (int index = 0; index < size; index++)
        if (counts[index]) {
            printf("%s\"%d\":%d", comma, index, counts[index]);
            comma = ",";
        }
    printf("}");
}

static void print_ready(void) {
    double took = (now_ns() - began_ns) / 1e9;
    printf("{\"sockets\":%d,\"open\":%d,\"greeted\":%d,\"failed\":%d,\"seconds\":%.4f,\"per_second\":%.1f", count, shaken,
           greeted, failed, took, shaken / took);
    print_counts("statuses", statuses, 1000);
    print_counts("codes", codes, CODES);
    printf("}\n");
    fflush(stdout);
}

static double percentile_ms(double share) {
    long long wanted = 0, seen = 0;
    for (int bucket = 0; bucket < BUCKETS; bucket++) wanted += ages[bucket];
    wanted = (long long)(wanted * share);
    for (int bucket = 0; bucket < BUCKETS; bucket++)
        if ((seen += ages[bucket]) > wanted) return (bucket + 0.5) * STEP_NS / 1e6;
    return 0;
}

static void print_received(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("{\"frames\":%lld,\"events\":%lld,\"disorder\":%lld,\"bytes\":%lld,\"closed\":%d,\"greeted\":%d", frames, events,
           disorder, bytes, closed, greeted);
    printf(",\"first_ns\":%lld,\"last_ns\":%lld", first_event_ns, last_event_ns);
    printf(",\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,\"mean_ms\":%.2f", percentile_ms(0.5), percentile_ms(0.99),
           oldest_ns / 1e6, events ? sum_ns / events / 1e6 : 0.0);
    printf(",\"cpu_seconds\":%.2f", used.ru_utime.tv_sec + used.ru_stime.tv_sec +
                                        (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
    print_counts("statuses", statuses, 1000);
    print_counts("codes", codes, CODES);
    printf("}\n");
    fflush(stdout);
}

static void write_cursors(void) {
    FILE *file = fopen(cursors_file, "w");
    if (!file) die(cursors_file);
    for (int index = 0; index < count; index++) fprintf(file, "%s\n", peers[index].cursor ? peers[index].cursor : "");
    fclose(file);
}

static void read_lines(void) {
    char line[8192];
    int space = 0;
    while (fgets(line, sizeof line, stdin)) {
        if (count == space) {
            space = space ? 2 * space : 1024;
            peers = realloc(peers, space * sizeof *peers);
            if (!peers) die("realloc");
        }
        line[strcspn(line, "\n")] = 0;
        char *port = strtok(line, "\t"), *path = strtok(NULL, "\t"), *cookies = strtok(NULL, "\t");
        peers[count++] = (struct peer){
            .state = NEW, .port = atoi(port), .path = strdup(path ? path : "/"), .cookies = strdup(cookies ? cookies : "")};
    }
}

static void read_arguments(int argc, char **argv) {
    for (int index = 1; index < argc; index++) {
        const char *name = argv[index];
        if (!strcmp(name, "--hello")) hello = 1;
        else if (!strcmp(name, "--ack")) ack = 1;
        else if (index + 1 == argc) exit(2);
        else if (!strcmp(name, "--at-once")) at_once = atoi(argv[++index]);
        else if (!strcmp(name, "--expect")) expect = atoll(argv[++index]);
        else if (!strcmp(name, "--quiet")) quiet = atof(argv[++index]);
        else if (!strcmp(name, "--cursors")) cursors_file = argv[++index];
        else if (!strcmp(name, "--samples")) {
            if (!(samples = fopen(argv[++index], "w"))) die(argv[index]);
        } else exit(2);
    }
}

static void run(void) {
    struct epoll_event ready[512];
    int reported = 0;
    while (!over && !is_quiet() && (expect < 0 || events < expect)) {
        open_more();
        int some = epoll_wait(epoll, ready, 512, opened < count ? 1 : 50);
        for (int index = 0; index < some; index++) {
            struct peer *peer = ready[index].data.ptr;
            if (peer->state == CLOSED) continue;
            if (peer->state == CONNECTING) connected(peer);
            else receive(peer);
        }
        if (!reported && opened == count && pending == 0) {
            reported = 1;
            print_ready();
        }
    }
    if (!reported) print_ready();
}

int main(int argc, char **argv) {
    struct rlimit files;
    read_arguments(argc, argv);
    signal(SIGTERM, stop);
    signal(SIGUSR1, end_when_quiet);
    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    ages = calloc(BUCKETS, sizeof *ages);
    epoll = epoll_create1(0);
    if (!ages || epoll < 0) die("start");
    read_lines();
    began_ns = now_ns();
    run();
    if (samples) fclose(samples);
    if (cursors_file) write_cursors();
    print_received();
    return 0;
}
