/* The backend behind every proxy under test: one thread, epoll, canned answers.
 *
 *   backend PORT      PORT 0 takes a free one; the port is printed on stdout once it listens.
 *
 * /k10... answers 10 KiB, /m1... 1 MiB, anything else 200 octets, all of them 'x'; under /vary no two answers in
 * a row have the same head, and after an answer under /close the connection is closed. Request bodies, with
 * a Content-Length or chunked, are read to their end and thrown away before the answer goes out.
 * It trusts its clients (the proxies under test) to send well-formed requests; it checks nothing.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 65536, EVENTS = 256, HEAD_ROOM = 512 };

typedef struct {
    char *bytes;
    size_t length;
} answer_t;

enum body { NO_BODY, COUNTED, CHUNKED };

typedef struct {
    int fd;
    enum body body;      /* what of the current request is still to be read */
    size_t remaining;    /* octets left of a COUNTED body */
    size_t length;       /* octets in buffer */
    const char *out;     /* what is left of the answer being written */
    size_t out_length;
    const answer_t *answer;
    char buffer[BUFFER + 1];
} connection_t;

static answer_t small_answer, other_answer, last_answer, medium_answer, large_answer;
static int poller, vary;

static void make_answer(answer_t *answer, size_t body, const char *policy) {
    answer->bytes = malloc(body + HEAD_ROOM);
    int head = sprintf(answer->bytes,
                       "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 20:00:00 GMT\r\nServer: backend\r\n"
                       "Content-Type: text/plain\r\nCache-Control: %s\r\nContent-Length: %zu\r\n\r\n",
                       policy, body);
    memset(answer->bytes + head, 'x', body);
    answer->length = (size_t)head + body;
}

static void watch(connection_t *connection, unsigned events, int operation) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    epoll_ctl(poller, operation, connection->fd, &event);
}

static void drop(connection_t *connection) {
    close(connection->fd);
    free(connection);
}

/* Forgets the first `count` octets of the buffer. */
static void consume(connection_t *connection, size_t count) {
    connection->length -= count;
    memmove(connection->buffer, connection->buffer + count, connection->length);
}

/* Returns 1 when the whole answer is out, 0 when the socket is full, -1 when the peer is gone. */
static int write_answer(connection_t *connection) {
    while (connection->out_length > 0) {
        ssize_t sent = send(connection->fd, connection->out, connection->out_length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            watch(connection, EPOLLOUT, EPOLL_CTL_MOD);
            return 0;
        }
        if (sent < 0) return -1;
        connection->out += sent;
        connection->out_length -= (size_t)sent;
    }
    return 1;
}

static const answer_t *choose_answer(const char *head) {
    const char *target = memchr(head, ' ', 16);
    if (target && !strncmp(target, " /k10", 5)) return &medium_answer;
    if (target && !strncmp(target, " /m1", 4)) return &large_answer;
    if (target && !strncmp(target, " /close", 7)) return &last_answer;
    if (target && !strncmp(target, " /vary", 6)) return (vary = !vary) ? &other_answer : &small_answer;
    return &small_answer;
}

/* Takes one request head from the buffer. Returns 1 when there was one, 0 for more input, -1 when too long. */
static int take_head(connection_t *connection) {
    connection->buffer[connection->length] = 0;
    char *end = strstr(connection->buffer, "\r\n\r\n");
    if (!end) return connection->length >= BUFFER ? -1 : 0;
    end[2] = 0;
    char *counted = strcasestr(connection->buffer, "\r\ncontent-length:");
    connection->remaining = counted ? strtoul(counted + 17, NULL, 10) : 0;
    connection->body = connection->remaining ? COUNTED : NO_BODY;
    if (!counted && strcasestr(connection->buffer, "\r\ntransfer-encoding:")) connection->body = CHUNKED;
    connection->answer = choose_answer(connection->buffer);
    consume(connection, (size_t)(end + 4 - connection->buffer));
    return 1;
}

/* Throws body octets away. Returns 1 at the end of the body, 0 for more input. */
static int skip_body(connection_t *connection) {
    static const char last_chunk[] = "0\r\n\r\n"; /* cannot occur within bodies of 'x' */
    if (connection->body == COUNTED) {
        size_t here = connection->remaining < connection->length ? connection->remaining : connection->length;
        connection->remaining -= here;
        consume(connection, here);
        return connection->remaining == 0;
    }
    char *end = memmem(connection->buffer, connection->length, last_chunk, 5);
    if (end) {
        consume(connection, (size_t)(end + 5 - connection->buffer));
        return 1;
    }
    if (connection->length > 4) consume(connection, connection->length - 4);
    return 0;
}

/* Answers every whole request in the buffer. Returns -1 when the connection is to be dropped. */
static int process(connection_t *connection) {
    for (;;) {
        if (connection->body == NO_BODY) {
            int head = take_head(connection);
            if (head <= 0) return head;
        }
        if (connection->body != NO_BODY && !skip_body(connection)) return 0;
        connection->body = NO_BODY;
        connection->out = connection->answer->bytes;
        connection->out_length = connection->answer->length;
        int written = write_answer(connection);
        if (written <= 0) return written;
        if (connection->answer == &last_answer) return -1;
    }
}

static void accept_all(int listener) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        connection_t *connection = malloc(sizeof *connection);
        connection->fd = fd;
        connection->body = NO_BODY;
        connection->remaining = connection->length = connection->out_length = 0;
        watch(connection, EPOLLIN, EPOLL_CTL_ADD);
    }
}

static int on_writable(connection_t *connection) {
    int written = write_answer(connection);
    if (written <= 0) return written;
    watch(connection, EPOLLIN, EPOLL_CTL_MOD);
    return process(connection);
}

static int on_readable(connection_t *connection) {
    ssize_t got = recv(connection->fd, connection->buffer + connection->length, BUFFER - connection->length, 0);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got <= 0) return -1;
    connection->length += (size_t)got;
    return process(connection);
}

static int listen_on(unsigned short port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) {
        perror("backend");
        exit(1);
    }
    getsockname(listener, (void *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    make_answer(&small_answer, 200, "no-cache");
    make_answer(&other_answer, 200, "no-store");
    make_answer(&last_answer, 200, "no-cache\r\nConnection: close");
    make_answer(&medium_answer, 10 * 1024, "no-cache");
    make_answer(&large_answer, 1024 * 1024, "no-cache");
    int listener = listen_on((unsigned short)(argc > 1 ? atoi(argv[1]) : 0));
    poller = epoll_create1(0);
    struct epoll_event ready[EVENTS], accepting = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &accepting);
    for (;;) {
        int count = epoll_wait(poller, ready, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            connection_t *connection = ready[i].data.ptr;
            if (!connection)
                accept_all(listener);
            else if ((ready[i].events & EPOLLOUT ? on_writable : on_readable)(connection) < 0)
                drop(connection);
        }
    }
}
