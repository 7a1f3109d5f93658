/* The limit of the benchmark: what one core can do with a socket when nothing is asked of the server.

   One epoll loop. It reads up to the blank line, finds the size that the path names (/bytes/N), and sends a
   prepared head and body, which lie one behind the other in memory, with one send. No cache, no freshness, no
   log, no counters, no timeouts: a cache can only come near to it.

   Usage: c_limit PORT SIZE... */

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

#define MOST_ANSWERS 16
#define MOST_EVENTS 256
#define REQUEST_BYTES 16384

struct answer {
    size_t body_bytes, total_bytes;
    char *data;
};

struct client {
    int socket;
    size_t read_bytes;           /* of a request that has not come to its blank line */
    const struct answer *answer; /* being sent */
    size_t sent_bytes;
    int is_waiting; /* for room in the socket's buffer */
    char request[REQUEST_BYTES];
};

static struct answer answers[MOST_ANSWERS];
static int answer_count;

static void prepare(size_t body_bytes)
{
    char head[256];
    struct answer *answer = &answers[answer_count++];
    int head_bytes = snprintf(head, sizeof head,
                              "HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: %zu\r\n\r\n", body_bytes);
    answer->body_bytes = body_bytes;
    answer->total_bytes = head_bytes + body_bytes;
    answer->data = aligned_alloc(4096, (answer->total_bytes + 4095) / 4096 * 4096);
    if (answer->data == NULL)
        abort();
    memcpy(answer->data, head, head_bytes);
    memset(answer->data + head_bytes, 0x55, body_bytes);
}

static const struct answer *asked_for(const char *request)
{
    static const char before[] = "GET /bytes/";
    if (strncmp(request, before, sizeof before - 1) != 0)
        return NULL;
    size_t body_bytes = strtoul(request + sizeof before - 1, NULL, 10);
    for (int i = 0; i < answer_count; i++)
        if (answers[i].body_bytes == body_bytes)
            return &answers[i];
    return NULL;
}

/* Sends what is left of the answer. False if the client is gone. */
static int go_on(int loop, struct client *client)
{
    const struct answer *answer = client->answer;
    while (client->sent_bytes < answer->total_bytes) {
        ssize_t sent = send(client->socket, answer->data + client->sent_bytes, answer->total_bytes - client->sent_bytes,
                            MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            struct epoll_event wish = {.events = EPOLLOUT, .data.ptr = client};
            return client->is_waiting++ || epoll_ctl(loop, EPOLL_CTL_MOD, client->socket, &wish) == 0;
        }
        if (sent < 0)
            return 0;
        client->sent_bytes += sent;
    }
    client->answer = NULL;
    client->sent_bytes = 0;
    if (client->is_waiting) {
        client->is_waiting = 0;
        struct epoll_event wish = {.events = EPOLLIN, .data.ptr = client};
        return epoll_ctl(loop, EPOLL_CTL_MOD, client->socket, &wish) == 0;
    }
    return 1;
}

/* Reads, and answers a request that is complete. False if the client is gone or asks for something else. */
static int hear(int loop, struct client *client)
{
    ssize_t came = recv(client->socket, client->request + client->read_bytes, REQUEST_BYTES - 1 - client->read_bytes, 0);
    if (came < 0 && errno == EAGAIN)
        return 1;
    if (came <= 0)
        return 0;
    client->read_bytes += came;
    client->request[client->read_bytes] = 0;
    if (client->read_bytes < 4 || memcmp(client->request + client->read_bytes - 4, "\r\n\r\n", 4) != 0)
        return client->read_bytes < REQUEST_BYTES - 1;
    client->answer = asked_for(client->request);
    client->read_bytes = 0;
    return client->answer != NULL && go_on(loop, client);
}

static void welcome(int loop, int listener)
{
    int on = 1;
    int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (socket < 0)
        return;
    struct client *client = malloc(sizeof *client);
    if (client == NULL)
        abort();
    client->socket = socket;
    client->read_bytes = client->sent_bytes = client->is_waiting = 0;
    client->answer = NULL;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event wish = {.events = EPOLLIN, .data.ptr = client};
    if (epoll_ctl(loop, EPOLL_CTL_ADD, socket, &wish) != 0)
        abort();
}

int main(int count, char **words)
{
    if (count < 3 || count - 2 > MOST_ANSWERS) {
        fprintf(stderr, "usage: c_limit PORT SIZE...\n");
        return 2;
    }
    for (int i = 2; i < count; i++)
        prepare(strtoul(words[i], NULL, 10));
    signal(SIGPIPE, SIG_IGN);
    /* Left to grow, the buffers of many connections no longer fit in the caches: 1 MiB costs half as much again. */
    int on = 1, send_buffer = 512 * 1024, loop = epoll_create1(0), listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(words[1])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event wish = {.events = EPOLLIN, .data.ptr = NULL};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4096) != 0 ||
        epoll_ctl(loop, EPOLL_CTL_ADD, listener, &wish) != 0) {
        perror("c_limit");
        return 1;
    }
    for (;;) {
        struct epoll_event events[MOST_EVENTS];
        int ready = epoll_wait(loop, events, MOST_EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            struct client *client = events[i].data.ptr;
            if (client == NULL)
                welcome(loop, listener);
            else if (!(client->answer ? go_on(loop, client) : hear(loop, client))) {
                close(client->socket);
                free(client);
            }
        }
    }
}
