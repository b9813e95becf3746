#define _GNU_SOURCE
#include "linux_files.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

// The owner of one socket, from one look at the kernel's tables: the user, and the inode. The inode is 0 when no process has the
// socket any more. Such a socket is listed with user 0, whoever had it.
typedef struct {
    uint32_t user;
    uint64_t inode;
} owner;

// Asks for the one socket: 1 with its owner, 0 when there is none, -1 when the kernel does not answer such questions.
static int ask(const struct inet_diag_sockid *id, int family, owner *found) {
    int netlink = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (netlink < 0) return -1;
    struct timeval patience = {.tv_sec = 1};
    (void)setsockopt(netlink, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 body;
    } request = {
        .head = {.nlmsg_len = sizeof request, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST},
        .body = {.sdiag_family = (uint8_t)family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0U, .id = *id},
    };
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    char answer[1024] __attribute__((aligned(8)));
    int result = -1;
    if (sendto(netlink, &request, sizeof request, 0, (struct sockaddr *)&kernel, sizeof kernel) == (ssize_t)sizeof request) {
        ssize_t length = recv(netlink, answer, sizeof answer, 0);
        const struct nlmsghdr *head = (const struct nlmsghdr *)answer;
        if (length >= (ssize_t)NLMSG_LENGTH(sizeof(struct inet_diag_msg)) && head->nlmsg_type == SOCK_DIAG_BY_FAMILY) {
            const struct inet_diag_msg *socket = NLMSG_DATA(head);
            *found = (owner){.user = socket->idiag_uid, .inode = socket->idiag_inode};
            result = 1;
        } else if (length >= (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) && head->nlmsg_type == NLMSG_ERROR) {
            const struct nlmsgerr *error = NLMSG_DATA(head);
            // A lookup that finds nothing is ENOENT, and so is a kernel without the module: the table then decides.
            result = error->error == -ESTALE ? 0 : -1;
        }
    }
    close(netlink);
    return result;
}

static void hexadecimal(const uint32_t *address, int words, uint16_t port, char *text) {
    for (int i = 0; i < words; i++) text += sprintf(text, "%08X", address[i]);
    sprintf(text, ":%04X", ntohs(port));
}

// The same from /proc/net/tcp or tcp6: fields are `sl local remote state queues timer retransmits uid timeout inode`.
static int look_up(const struct inet_diag_sockid *id, int family, owner *found) {
    FILE *table = fopen(family == AF_INET ? "/proc/net/tcp" : "/proc/net/tcp6", "re");
    if (!table) return -1;
    char local[48], remote[48], line[512];
    int words = family == AF_INET ? 1 : 4, result = 0;
    hexadecimal(id->idiag_src, words, id->idiag_sport, local);
    hexadecimal(id->idiag_dst, words, id->idiag_dport, remote);
    while (result == 0 && fgets(line, sizeof line, table)) {
        char here[48], there[48];
        unsigned user;
        unsigned long long inode;
        if (sscanf(line, " %*d: %47s %47s %*x %*x:%*x %*x:%*x %*x %u %*d %llu", here, there, &user, &inode) != 4) continue;
        if (strcmp(here, local) || strcmp(there, remote)) continue;
        *found = (owner){.user = user, .inode = inode};
        result = 1;
    }
    fclose(table);
    return result;
}

static int fill(const struct sockaddr *address, uint32_t words[4], __be16 *port) {
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        memcpy(words, &in->sin_addr, 4);
        *port = in->sin_port;
        return 1;
    }
    if (address->sa_family != AF_INET6) return 0;
    const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)address;
    memcpy(words, &in->sin6_addr, 16);
    *port = in->sin6_port;
    return 1;
}

static int owner_of(const struct inet_diag_sockid *id, int family, owner *found) {
    int result = ask(id, family, found);
    return result == 1 ? 1 : look_up(id, family, found);
}

int linux_peer_user(const struct sockaddr *client, const struct sockaddr *server, uint32_t *user) {
    struct inet_diag_sockid id = {.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}};
    if (client->sa_family != server->sa_family || !fill(client, id.idiag_src, &id.idiag_sport) ||
        !fill(server, id.idiag_dst, &id.idiag_dport))
        return 0;
    // Looked at twice: a socket that is closed between two fields of one look would be shown as user 0's.
    owner first, second;
    if (owner_of(&id, client->sa_family, &first) != 1 || first.inode == 0) return 0;
    if (owner_of(&id, client->sa_family, &second) != 1 || second.inode != first.inode || second.user != first.user) return 0;
    *user = first.user;
    return 1;
}
