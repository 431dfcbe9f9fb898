#include <libssh/libssh.h>
#include <libssh/callbacks.h>
/* For ssh_send_keepalive, which clients may call too. */
#include <libssh/server.h>
