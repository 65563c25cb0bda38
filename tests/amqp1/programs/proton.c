/* Qpid Proton for C: sends, receives and accepts with flow control, over TCP or TLS.

   Arguments: host, port, queue, how many messages, and the file of a certificate authority for TLS. */

#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/delivery.h>
#include <proton/link.h>
#include <proton/message.h>
#include <proton/proactor.h>
#include <proton/sasl.h>
#include <proton/session.h>
#include <proton/ssl.h>
#include <proton/transport.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 20
#define BODY_MAX 70000

static int wanted, sent, accepted, received;
static const char *address;

static void fail(const char *what, pn_condition_t *condition) {
  fprintf(stderr, "%s: %s: %s\n", what, pn_condition_get_name(condition), pn_condition_get_description(condition));
  exit(1);
}

/* Every tenth message takes more than one frame. */
static size_t size_of(int number) { return number % 10 == 9 ? BODY_MAX : (size_t)(number % 100); }

static void send_some(pn_link_t *sender) {
  static char body[BODY_MAX];
  while (sent < wanted && pn_link_credit(sender) > 0) {
    pn_message_t *message = pn_message();
    memset(body, 'a' + sent % 26, sizeof body);
    pn_data_put_ulong(pn_message_id(message), (uint64_t)sent);
    pn_message_set_durable(message, true);
    pn_message_set_priority(message, 6);
    pn_data_put_binary(pn_message_body(message), pn_bytes(size_of(sent), body));
    pn_message_set_inferred(message, true);
    pn_delivery(sender, pn_dtag((const char *)&sent, sizeof sent));
    if (pn_message_send(message, sender, NULL) < 0) exit(2);
    pn_message_free(message);
    sent++;
  }
}

static void take(pn_link_t *receiver, pn_delivery_t *delivery) {
  size_t size = pn_delivery_pending(delivery);
  char *octets = malloc(size);
  if (pn_link_recv(receiver, octets, size) != (ssize_t)size) exit(3);
  pn_message_t *message = pn_message();
  if (pn_message_decode(message, octets, size)) exit(4);
  pn_data_t *id = pn_message_id(message), *body = pn_message_body(message);
  pn_data_rewind(id);
  pn_data_rewind(body);
  if (!pn_data_next(id) || !pn_data_next(body)) exit(5);
  int number = (int)pn_data_get_ulong(id);
  pn_bytes_t found = pn_data_get_binary(body);
  if (number != received || found.size != size_of(number)) {
    fprintf(stderr, "message %d of %zu octets came as number %d\n", number, found.size, received);
    exit(6);
  }
  for (size_t at = 0; at < found.size; at++)
    if (found.start[at] != 'a' + number % 26) exit(7);
  if (!pn_message_is_durable(message) || pn_message_get_priority(message) != 6) exit(8);
  pn_message_free(message);
  free(octets);
  pn_delivery_update(delivery, PN_ACCEPTED);
  pn_delivery_settle(delivery);
  pn_link_flow(receiver, 1);
  received++;
}

static void delivery_changed(pn_delivery_t *delivery, pn_connection_t *connection) {
  pn_link_t *link = pn_delivery_link(delivery);
  if (pn_link_is_sender(link)) {
    if (pn_delivery_remote_state(delivery) != PN_ACCEPTED) exit(9);
    pn_delivery_settle(delivery);
    accepted++;
  } else if (pn_delivery_readable(delivery) && !pn_delivery_partial(delivery)) {
    take(link, delivery);
  }
  if (accepted == wanted && received == wanted) pn_connection_close(connection);
}

static void begin(pn_connection_t *connection, const char *user) {
  pn_connection_set_container(connection, "proton-c");
  pn_connection_set_user(connection, user);
  pn_connection_set_password(connection, user);
  pn_connection_open(connection);
  pn_session_t *session = pn_session(connection);
  pn_session_open(session);
  pn_link_t *sender = pn_sender(session, "sender"), *receiver = pn_receiver(session, "receiver");
  pn_terminus_set_address(pn_link_target(sender), address);
  pn_terminus_set_durability(pn_link_target(sender), PN_CONFIGURATION);
  pn_link_open(sender);
  pn_terminus_set_address(pn_link_source(receiver), address);
  pn_link_open(receiver);
  pn_link_flow(receiver, WINDOW);
}

static bool handle(pn_event_t *event) {
  switch (pn_event_type(event)) {
  case PN_CONNECTION_INIT: begin(pn_event_connection(event), "guest"); break;
  case PN_LINK_FLOW:
    if (pn_link_is_sender(pn_event_link(event))) send_some(pn_event_link(event));
    break;
  case PN_DELIVERY: delivery_changed(pn_event_delivery(event), pn_event_connection(event)); break;
  case PN_LINK_REMOTE_CLOSE: {
    pn_condition_t *condition = pn_link_remote_condition(pn_event_link(event));
    if (pn_condition_is_set(condition)) fail("link", condition);
    break;
  }
  case PN_CONNECTION_REMOTE_CLOSE: {
    pn_condition_t *condition = pn_connection_remote_condition(pn_event_connection(event));
    if (pn_condition_is_set(condition)) fail("connection", condition);
    break;
  }
  case PN_TRANSPORT_CLOSED: {
    pn_condition_t *condition = pn_transport_condition(pn_event_transport(event));
    if (pn_condition_is_set(condition)) fail("transport", condition);
    break;
  }
  case PN_PROACTOR_INACTIVE: return false;
  default: break;
  }
  return true;
}

int main(int count, char **arguments) {
  if (count < 5) return 10;
  address = arguments[3];
  wanted = atoi(arguments[4]);
  char where[PN_MAX_ADDR];
  pn_proactor_addr(where, sizeof where, arguments[1], arguments[2]);
  pn_proactor_t *proactor = pn_proactor();
  pn_transport_t *transport = pn_transport();
  pn_sasl_allowed_mechs(pn_sasl(transport), "PLAIN");
  pn_sasl_set_allow_insecure_mechs(pn_sasl(transport), true);
  if (count > 5) {
    pn_ssl_domain_t *domain = pn_ssl_domain(PN_SSL_MODE_CLIENT);
    if (pn_ssl_domain_set_trusted_ca_db(domain, arguments[5])) return 11;
    if (pn_ssl_domain_set_peer_authentication(domain, PN_SSL_VERIFY_PEER_NAME, NULL)) return 12;
    if (pn_ssl_init(pn_ssl(transport), domain, NULL)) return 13;
    pn_ssl_set_peer_hostname(pn_ssl(transport), arguments[1]);
    pn_ssl_domain_free(domain);
  }
  pn_proactor_connect2(proactor, NULL, transport, where);
  for (bool goes_on = true; goes_on;) {
    pn_event_batch_t *events = pn_proactor_wait(proactor);
    for (pn_event_t *event = pn_event_batch_next(events); event && goes_on; event = pn_event_batch_next(events))
      goes_on = handle(event);
    pn_proactor_done(proactor, events);
  }
  pn_proactor_free(proactor);
  printf("%d sent, %d accepted, %d received\n", sent, accepted, received);
  return !(accepted == wanted && received == wanted);
}
