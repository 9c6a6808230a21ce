/* A client that sends GETs at a fixed rate, whatever comes back, and writes down how each one ended.
 *
 *   steady PORT RATE SECONDS KEEPALIVE NEW_PERCENT HOST PATH MARK_HEADER
 *
 * KEEPALIVE connections are kept open and used in turn; NEW_PERCENT of the requests take a connection of
 * their own, which is closed by us after the answer. SIGTERM ends it early: no new requests, answers under
 * way are waited for (10 s).
 *
 * One line for each request on stdout, in the order in which they end:
 *
 *   SENT_NS END_NS OUTCOME FRESH STATUS MARK CLOSE
 *
 * Times are CLOCK_MONOTONIC; SENT is taken just before the first octet is sent (or the connection refused).
 * OUTCOME: ok (a whole answer, all octets of its body 'x'), refused (no connection), reset, closed (the
 * connection ended before the whole answer), wrong (not an HTTP answer we can read), timeout.
 * FRESH 1: first request of its connection. MARK: the number in MARK_HEADER, -1 without one. CLOSE 1: the
 * answer says `Connection: close`.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_LIMIT = 16384, CONNECTIONS = 8192, EVENTS = 256, REQUEST_LIMIT = 1024 };
static const long long SECOND = 1000000000LL, LAST_ANSWERS = 10 * 1000000000LL;

enum state { CONNECTING, BUSY, IDLE };

typedef struct {
    int fd;
    enum state state;
    int kept;          /* goes back to the idle ones after its answer */
    int fresh;         /* nothing was answered on it yet */
    int close_seen;
    int status;
    long mark;
    long body_left;    /* -1 until the head is whole */
    long long sent;
    int length;
    char head[HEAD_LIMIT + 1];
} connection_t;

static struct sockaddr_in proxy;
static char request[REQUEST_LIMIT], mark_field[256];
static int request_length, poller, kept_target;
static int open_count, kept_count, busy_count;
static connection_t *idle[CONNECTIONS]; /* a ring, so that all of them are used in turn */
static int idle_first, idle_count;
static volatile sig_atomic_t stopping;

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static void on_sigterm(int number) {
    (void)number;
    stopping = 1;
}

static void record(const connection_t *c, const char *outcome) {
    printf("%lld %lld %s %d %d %ld %d\n", c->sent, now(), outcome, c->fresh, c->status, c->mark, c->close_seen);
}

static void drop(connection_t *c) {
    if (c->state != IDLE) busy_count--;
    if (c->kept) kept_count--;
    open_count--;
    close(c->fd);
    free(c);
}

static void fail(connection_t *c, const char *outcome) {
    record(c, outcome);
    drop(c);
}

static const char *outcome_of(int error) {
    return error == ECONNREFUSED ? "refused" : "reset";
}

static void put_idle(connection_t *c) {
    c->state = IDLE;
    busy_count--;
    idle[(idle_first + idle_count++) % CONNECTIONS] = c;
}

/* An idle connection that its peer has not closed, or NULL. Octets nobody asked for are recorded as wrong. */
static connection_t *take_idle(void) {
    char octet;
    while (idle_count > 0) {
        connection_t *c = idle[idle_first];
        idle_first = (idle_first + 1) % CONNECTIONS;
        idle_count--;
        ssize_t waiting = recv(c->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT);
        if (waiting < 0 && errno == EAGAIN) return c;
        if (waiting > 0) record(c, "wrong");
        drop(c);
    }
    return NULL;
}

static void send_request(connection_t *c) {
    c->state = BUSY;
    c->length = c->status = c->close_seen = 0;
    c->mark = c->body_left = -1;
    c->sent = now();
    if (send(c->fd, request, (size_t)request_length, MSG_NOSIGNAL) != request_length) fail(c, "reset");
}

static void watch(connection_t *c, unsigned events, int operation) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    epoll_ctl(poller, operation, c->fd, &event);
}

static void open_and_send(int kept) {
    int on = 1;
    connection_t *c = malloc(sizeof *c);
    *c = (connection_t){.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), .state = CONNECTING, .kept = kept};
    c->fresh = 1;
    c->mark = c->body_left = -1;
    c->sent = now();
    open_count++;
    busy_count++;
    kept_count += kept;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (void *)&proxy, sizeof proxy) && errno != EINPROGRESS) {
        fail(c, outcome_of(errno));
        return;
    }
    watch(c, EPOLLOUT, EPOLL_CTL_ADD);
}

static void on_connected(connection_t *c) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        fail(c, outcome_of(error));
        return;
    }
    watch(c, EPOLLIN, EPOLL_CTL_MOD);
    send_request(c);
}

/* The value of a field, `name` given as "\r\nname:", or NULL. */
static const char *field(const char *head, const char *name) {
    const char *found = strcasestr(head, name);
    return found ? found + strlen(name) + strspn(found + strlen(name), " ") : NULL;
}

static int all_x(const char *bytes, long count) {
    for (long i = 0; i < count; i++)
        if (bytes[i] != 'x') return 0;
    return 1;
}

/* Reads the head out of the buffer, leaving what follows it. Returns 1 when whole, 0 for more, -1 when wrong. */
static int take_head(connection_t *c) {
    c->head[c->length] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end) return c->length >= HEAD_LIMIT ? -1 : 0;
    end[2] = 0;
    const char *length = field(c->head, "\r\ncontent-length:");
    const char *connection = field(c->head, "\r\nconnection:");
    const char *mark = field(c->head, mark_field);
    if (sscanf(c->head, "HTTP/1.1 %3d", &c->status) != 1 || !length) return -1;
    c->close_seen = connection && !strncasecmp(connection, "close", 5);
    c->mark = mark ? atol(mark) : -1;
    c->body_left = atol(length);
    int head = (int)(end + 4 - c->head);
    c->length -= head;
    memmove(c->head, c->head + head, (size_t)c->length);
    return 1;
}

static void on_answered(connection_t *c) {
    record(c, "ok");
    c->fresh = 0;
    if (c->kept && !c->close_seen && kept_count <= kept_target)
        put_idle(c);
    else
        drop(c);
}

static void on_readable(connection_t *c) {
    if (c->state == IDLE) { /* closed meanwhile: take_idle finds out when its turn comes */
        epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, NULL);
        return;
    }
    ssize_t got = recv(c->fd, c->head + c->length, (size_t)(HEAD_LIMIT - c->length), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        fail(c, got < 0 ? "reset" : "closed");
        return;
    }
    c->length += (int)got;
    if (c->body_left < 0) {
        int head = take_head(c);
        if (head < 0) fail(c, "wrong");
        if (head <= 0) return;
    }
    int whole = c->length >= c->body_left;
    if (c->length > c->body_left || (c->status == 200 && !all_x(c->head, c->length))) {
        fail(c, "wrong");
        return;
    }
    c->body_left -= c->length;
    c->length = 0;
    if (whole) on_answered(c);
}

static void start_request(int fresh) {
    connection_t *c = fresh || kept_count < kept_target ? NULL : take_idle();
    if (c) {
        busy_count++;
        send_request(c);
    } else if (open_count < CONNECTIONS) {
        open_and_send(!fresh);
    } else { /* it cannot even be tried: that it is not answered in time is the truth */
        connection_t none = {.sent = now(), .mark = -1};
        record(&none, "timeout");
    }
}

static void arm(int timer, long long due) {
    struct itimerspec when = {.it_value = {due / SECOND, due % SECOND}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void prepare(char **argv) {
    proxy = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
    proxy.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const char *form = "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n\r\n";
    request_length = snprintf(request, sizeof request, form, argv[7], argv[6]);
    snprintf(mark_field, sizeof mark_field, "\r\n%s:", argv[8]);
    struct sigaction action = {.sa_handler = on_sigterm};
    sigaction(SIGTERM, &action, NULL);
    static char buffer[1 << 16];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    poller = epoll_create1(0);
}

int main(int argc, char **argv) {
    if (argc != 9) {
        fprintf(stderr, "steady PORT RATE SECONDS KEEPALIVE NEW_PERCENT HOST PATH MARK_HEADER\n");
        return 2;
    }
    prepare(argv);
    double gap = (double)SECOND / atof(argv[2]);
    long long total = (long long)(atof(argv[2]) * atof(argv[3])), sent = 0, fresh_percent = atoll(argv[5]);
    kept_target = atoi(argv[4]);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event ready[EVENTS], ticking = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, timer, &ticking);
    long long start = now(), end = 0;
    while (sent < total || busy_count > 0) {
        if (stopping) total = sent;
        for (long long due; sent < total && (due = start + (long long)((double)sent * gap)) <= now(); sent++)
            start_request((sent + 1) * fresh_percent / 100 != sent * fresh_percent / 100);
        if (sent < total)
            arm(timer, start + (long long)((double)sent * gap));
        else if (end == 0)
            end = now() + LAST_ANSWERS;
        else if (now() > end)
            break;
        int count = epoll_wait(poller, ready, EVENTS, 100);
        for (int i = 0; i < count; i++) {
            connection_t *c = ready[i].data.ptr;
            unsigned long long ticks;
            if (!c) {
                if (read(timer, &ticks, sizeof ticks) < 0) continue;
            } else if (c->state == CONNECTING)
                on_connected(c);
            else
                on_readable(c);
        }
    }
    for (; busy_count > 0; busy_count--) { /* connections whose answer never came */
        connection_t none = {.sent = end - LAST_ANSWERS, .mark = -1};
        record(&none, "timeout");
    }
    fflush(stdout);
    return 0;
}
