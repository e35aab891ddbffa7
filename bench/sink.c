/* A listener that costs next to nothing, for measuring who sends to it.
 *
 *     cc -O2 -o sink sink.c && ./sink PORT RECEIPTS
 *
 * It answers each request on 127.0.0.1:PORT with 200 and writes a line to the file RECEIPTS: the
 * microsecond of its arrival since 1970, its path, and its webhook-id. Three paths misbehave:
 * /hang never answers, /drip sends one byte of a header a second, /huge a body without an end.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST = 1 << 16, MOST = 4096 };
enum mode { TAKE, HANG, DRIP, HUGE_BODY };

struct connection {
    int fd;
    enum mode mode;
    size_t filled, dripped;
    char data[LARGEST];
};

static struct connection *connections[MOST];
static FILE *receipts;
static const char OK[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
static const char DRIPPED[] = "HTTP/1.1 200 OK\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n";
static const char ENDLESS[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

static long long now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void hang_up(struct connection *c) {
    close(c->fd);
    connections[c->fd] = NULL;
    free(c);
}

/* The value of a header, or NULL; `head` ends with an empty line. */
static const char *header(const char *head, const char *name) {
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line && line[2] != '\r'; line = strstr(line + 2, "\r\n"))
        if (!strncasecmp(line + 2, name, length) && line[2 + length] == ':') {
            const char *value = line + 3 + length;
            while (*value == ' ') value++;
            return value;
        }
    return NULL;
}

/* Answers what has arrived whole; 0 if the connection has been ended. */
static int answer(struct connection *c) {
    for (;;) {
        c->data[c->filled] = 0;
        char *end = strstr(c->data, "\r\n\r\n");
        if (!end) return c->filled + 1 < LARGEST || (hang_up(c), 0);
        const char *length = header(c->data, "Content-Length");
        size_t whole = (size_t)(end + 4 - c->data) + (length ? strtoul(length, NULL, 10) : 0);
        if (whole >= LARGEST) return hang_up(c), 0;
        if (c->filled < whole) return 1;
        char path[64] = "-", id[80] = "-";
        sscanf(c->data, "%*s %63s", path);
        const char *said = header(c->data, "webhook-id");
        if (said) sscanf(said, "%79[^\r]", id);
        fprintf(receipts, "%lld %s %s\n", now_us(), path, id);
        memmove(c->data, c->data + whole, c->filled -= whole);
        if (!strncmp(path, "/hang", 5)) { c->mode = HANG; return 1; }
        if (!strncmp(path, "/drip", 5)) { c->mode = DRIP; return 1; }
        if (!strncmp(path, "/huge", 5)) {
            c->mode = HUGE_BODY;
            return write(c->fd, ENDLESS, sizeof ENDLESS - 1) > 0 || (hang_up(c), 0);
        }
        if (write(c->fd, OK, sizeof OK - 1) < 0) return hang_up(c), 0;
    }
}

static void pour(struct connection *c) {
    static char chunk[0x4000 + 8] = "4000\r\n";
    memset(chunk + 6, 'x', 0x4000);
    chunk[0x4006] = '\r', chunk[0x4007] = '\n';
    for (int i = 0; i < 8; i++)
        if (write(c->fd, chunk, sizeof chunk) < 0) {
            if (errno != EAGAIN) hang_up(c);
            return;
        }
}

int main(int argc, char **argv) {
    if (argc != 3) return fprintf(stderr, "usage: sink PORT RECEIPTS\n"), 2;
    signal(SIGPIPE, SIG_IGN);
    receipts = fopen(argv[2], "w");
    if (!receipts) return perror(argv[2]), 1;
    setvbuf(receipts, NULL, _IOFBF, 1 << 16);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (void *)&here, sizeof here) || listen(listener, 1024)) return perror("sink"), 1;
    int events = epoll_create1(0);
    struct epoll_event wish = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(events, EPOLL_CTL_ADD, listener, &wish);
    long long second = 0;
    for (;;) {
        struct epoll_event ready[256];
        int count = epoll_wait(events, ready, 256, 50);
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;
            if (fd == listener) {
                int taken;
                while ((taken = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    if (taken >= MOST) { close(taken); continue; }
                    setsockopt(taken, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    connections[taken] = calloc(1, sizeof(struct connection));
                    connections[taken]->fd = taken;
                    struct epoll_event more = {.events = EPOLLIN, .data.fd = taken};
                    epoll_ctl(events, EPOLL_CTL_ADD, taken, &more);
                }
                continue;
            }
            struct connection *c = connections[fd];
            if (!c) continue;
            ssize_t got = read(fd, c->data + c->filled, LARGEST - 1 - c->filled);
            if (got <= 0) {
                if (got == 0 || errno != EAGAIN) hang_up(c);
                continue;
            }
            c->filled += (size_t)got;
            answer(c);
        }
        int next_second = now_us() / 1000000 != second;
        if (next_second) second = now_us() / 1000000;
        for (int fd = 0; fd < MOST; fd++) {
            struct connection *c = connections[fd];
            if (c && c->mode == HUGE_BODY) pour(c);
            else if (c && c->mode == DRIP && next_second && c->dripped < sizeof DRIPPED - 1)
                if (write(fd, DRIPPED + c->dripped++, 1) < 0) hang_up(c);
        }
        fflush(receipts);
    }
}
