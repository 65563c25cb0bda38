"""The checklist: every normative statement of MQTT 5.0 and 3.1.1, and the test that shows it, or why there is none.

A value that names a module and a test (`session.x` is `test_x` of test_session.py; `net.` stands for tests/net) is a
test; any other is a reason. The numbers are those of the text; Appendix B of 5.0 calls 4.2-1 by the number 4.2.0-1.
test_normative.py sees to it that the tests exist.
"""

CLIENT = "it binds the client only"
SENDER = "we send none of these properties in this packet, so that there is nothing to leave out"
TYPE = "codec.packets.every_packet_comes_back_as_it_was"
WRONG = "codec.packets.what_is_wrong_has_the_reason_of_the_specification"
ROUND = "session.a_message_reaches_a_subscriber_of_every_version_at_its_qos"
PROPERTIES = "session.properties_of_a_message_arrive_as_they_were_sent"
FULL = "we support what the statement is about, so it never applies"
NARROW = "settings.no_more_than_the_highest_qos_is_taken_and_granted"
ALIAS = "aliases.topics_are_sent_as_aliases_to_clients_that_allow_it"
FITS = "rules.explanations_are_left_out_where_they_do_not_fit"
QOS2 = "session.the_sending_side_of_qos_2_takes_its_steps"
ONCE = "session.qos_2_is_received_once_however_often_it_is_sent"
AGAIN = "session.unacknowledged_messages_come_again_with_dup_and_the_same_identifier_in_order"
WAITS = "session.what_waits_for_an_absent_client_is_delivered_when_it_comes_back"
EXPIRES = "session.a_session_ends_when_its_expiry_has_passed"
CLEAN = "session.clean_start_forgets_the_session"
TAKEN = "session.a_second_connection_takes_the_session_over"
BYE = "wills.a_good_bye_deletes_the_will"
WILL = "wills.a_lost_connection_publishes_the_will"
WILL_FLAGS = "wills.the_will_has_its_properties_and_is_retained_if_it_says_so"
EMPTY_ID = "connecting.an_empty_client_id_is_replaced_by_one_of_ours"
LOGIN = "connecting.wrong_credentials_are_refused"
BEHIND = "connecting.what_comes_behind_a_connect_waits_for_the_login"
FLAGS = "rules.wrong_flags_close_the_connection"
NAMES = "rules.a_topic_name_with_a_wildcard_or_nothing_in_it_is_refused"
FILTERS = "rules.a_filter_with_misplaced_wildcards_is_refused"
SUBACK = "rules.suback_has_a_reason_for_each_filter_in_their_order"
UNSUBACK = "statements.an_unsuback_answers_every_unsubscribe_with_its_identifier"
UNSUBSCRIBED = "session.unsubscribe_stops_deliveries_and_is_exact"
BEGUN = "rules.unsubscribe_lets_deliveries_that_have_begun_be_completed"
OVERLAP_V3 = "session.overlapping_subscriptions_below_version_5_deliver_once_at_the_highest_qos"
OVERLAP = "session.overlapping_subscriptions_deliver_once_at_the_highest_qos_with_every_identifier"
REPLACED = "session.a_subscription_replaces_the_one_with_the_same_filter"
LOWER = "session.a_delivery_has_the_lower_qos_of_publish_and_subscription"
DOLLAR = "session.wildcards_at_the_beginning_do_not_match_topics_with_a_dollar"
MATCHES = "session.topics_match_as_the_specification_says"
QUOTA = "session.the_clients_receive_maximum_bounds_what_is_in_flight"
OTHERS = "session.qos_0_is_not_bound_by_the_receive_maximum"
ORDER = "rules.messages_of_a_topic_keep_their_order"
ACK_ORDER = "restart.acknowledgements_wait_for_the_disk_and_keep_their_order"
IDENTIFIERS = "rules.packet_identifiers_in_use_are_not_given_again"
RETAINED = "retained.the_last_retained_message_is_sent_to_a_new_subscription"
EMPTY = "retained.an_empty_message_deletes_and_is_delivered_like_any_other"
KEPT = "retained.a_message_without_the_flag_changes_nothing"
HANDLING = "retained.retain_handling_says_when_they_are_sent"
AS_PUBLISHED = "retained.retain_as_published_keeps_the_flag"
SHARE_NAME = "sharing.a_share_needs_a_name_and_a_filter"
SHARE_QOS2 = "sharing.a_message_of_qos_2_stays_with_its_member"
SCRAM = "connecting.scram_logs_in_and_proves_the_server_too"
END = "connecting.no_packet_follows_a_disconnect"
PUBLISHER = "session.qos_1_is_acknowledged_and_tells_version_5_when_nobody_was_there"
CONNACK = "connecting.connack_says_what_the_server_is_ready_for"
TEXT = "net.websocket.a_text_message_closes_the_connection"
PIECES = "net.websocket.frames_may_arrive_in_any_pieces"
SUBPROTOCOL = "net.websocket.the_subprotocol_that_was_chosen_is_named_and_compression_is_declined"
OCTETS = "codec.packets.a_packet_is_these_octets"
NOT_RETAINED = "statements.a_will_is_not_retained_unless_it_says_so"
REFUSED = "statements.nothing_behind_a_refused_connect_is_processed"
NO_CONNACK = "statements.a_connect_of_3_1_1_that_does_not_conform_gets_no_connack"
DUP = "statements.dup_is_not_passed_on"
FLAGGED = "statements.what_is_retained_is_flagged_for_new_subscriptions_only"
SUBACK_V3 = "statements.a_suback_of_3_1_1_has_a_code_for_each_filter_and_no_other_failure_than_0x80"
OUTLASTS = "statements.a_session_outlasts_its_expiry_while_its_client_is_connected"
PUBRELS = "statements.pubrels_leave_in_the_order_of_their_pubrecs"

V5 = {
    "1.5.4-1": WRONG, "1.5.4-2": WRONG, "1.5.4-3": "codec.packets.a_byte_order_mark_is_a_character",
    "1.5.5-1": "codec.packets.overlong_variable_byte_integers_are_malformed", "1.5.7-1": WRONG,
    "2.1.3-1": FLAGS,
    "2.2.1-2": OCTETS, "2.2.1-3": WRONG, "2.2.1-4": IDENTIFIERS, "2.2.1-5": QOS2, "2.2.1-6": UNSUBACK,
    "2.2.2-1": OCTETS,
    "3.1.0-1": "connecting.the_first_packet_must_be_connect",
    "3.1.0-2": "connecting.a_second_connect_is_a_protocol_error",
    "3.1.2-1": "connecting.another_protocol_name_is_answered_with_nothing_but_the_close",
    "3.1.2-2": "connecting.an_unknown_level_is_refused_in_words_that_every_client_knows",
    "3.1.2-3": "connecting.reserved_connect_flag_closes_the_connection", "3.1.2-4": CLEAN, "3.1.2-5": WAITS,
    "3.1.2-6": "statements.a_session_that_is_asked_for_is_made_if_there_is_none", "3.1.2-7": WILL,
    "3.1.2-8": "wills.the_end_of_the_session_ends_the_delay", "3.1.2-9": WRONG, "3.1.2-10": BYE, "3.1.2-11": WRONG,
    "3.1.2-12": WRONG, "3.1.2-13": WRONG, "3.1.2-14": NOT_RETAINED, "3.1.2-15": WILL_FLAGS, "3.1.2-16": WRONG,
    "3.1.2-17": WRONG, "3.1.2-18": WRONG, "3.1.2-19": WRONG, "3.1.2-20": CLIENT, "3.1.2-21": CLIENT,
    "3.1.2-22": "connecting.a_silent_client_is_disconnected_after_one_and_a_half_keep_alives", "3.1.2-23": WAITS,
    "3.1.2-24": "session.what_is_larger_than_the_client_takes_is_not_sent",
    "3.1.2-25": "session.what_is_larger_than_the_client_takes_is_not_sent", "3.1.2-26": ALIAS,
    "3.1.2-27": "statements.no_alias_is_sent_to_a_client_that_has_not_allowed_any",
    "3.1.2-28": "statements.response_information_is_for_those_who_ask",
    "3.1.2-29": "rules.who_wants_no_problem_information_gets_none", "3.1.2-30": CLIENT, "3.1.3-1": OCTETS,
    "3.1.3-2": "rules.a_client_id_belongs_to_one_session_in_each_vhost", "3.1.3-3": WRONG, "3.1.3-4": WRONG,
    "3.1.3-5": "connecting.long_client_ids_are_taken", "3.1.3-6": EMPTY_ID, "3.1.3-7": EMPTY_ID,
    "3.1.3-8": "connecting.long_client_ids_are_taken",
    "3.1.3-9": "wills.a_client_that_comes_back_in_time_has_no_will_published",
    "3.1.3-10": "statements.user_properties_of_a_will_keep_their_order", "3.1.3-11": WRONG, "3.1.3-12": WRONG,
    "3.1.4-1": WRONG, "3.1.4-2": LOGIN, "3.1.4-3": TAKEN, "3.1.4-4": CLEAN, "3.1.4-5": ROUND, "3.1.4-6": REFUSED,
    "3.2.0-1": "rules.reserved_bits_of_connack_are_zero_and_nothing_comes_before_it",
    "3.2.0-2": "rules.reserved_bits_of_connack_are_zero_and_nothing_comes_before_it",
    "3.2.2-1": "rules.reserved_bits_of_connack_are_zero_and_nothing_comes_before_it", "3.2.2-2": CLEAN,
    "3.2.2-3": "statements.a_session_that_is_asked_for_is_made_if_there_is_none", "3.2.2-4": CLIENT, "3.2.2-5": CLIENT,
    "3.2.2-6": LOGIN, "3.2.2-7": LOGIN, "3.2.2-8": LOGIN, "3.2.2-9": NARROW, "3.2.2-10": NARROW, "3.2.2-11": CLIENT,
    "3.2.2-12": "settings.a_will_of_a_higher_qos_is_refused",
    "3.2.2-13": "settings.nothing_is_retained_where_that_is_not_available", "3.2.2-14": CLIENT, "3.2.2-15": CLIENT,
    "3.2.2-16": EMPTY_ID, "3.2.2-17": CLIENT, "3.2.2-18": CLIENT, "3.2.2-19": FITS, "3.2.2-20": SENDER,
    "3.2.2-21": CLIENT,
    "3.2.2-22": "connecting.a_silent_client_is_disconnected_after_one_and_a_half_keep_alives",
    "3.3.1-1": AGAIN, "3.3.1-2": WRONG, "3.3.1-3": DUP, "3.3.1-4": WRONG, "3.3.1-5": RETAINED, "3.3.1-6": EMPTY,
    "3.3.1-7": EMPTY, "3.3.1-8": KEPT, "3.3.1-9": HANDLING, "3.3.1-10": HANDLING, "3.3.1-11": HANDLING,
    "3.3.1-12": AS_PUBLISHED, "3.3.1-13": AS_PUBLISHED, "3.3.2-1": WRONG, "3.3.2-2": NAMES, "3.3.2-3": MATCHES,
    "3.3.2-4": PROPERTIES, "3.3.2-5": "session.message_expiry_counts_down_and_ends_messages_that_wait",
    "3.3.2-6": "session.message_expiry_counts_down_and_ends_messages_that_wait",
    "3.3.2-7": "statements.topic_aliases_end_with_their_connection",
    "3.3.2-8": "aliases.a_topic_alias_out_of_range_ends_the_connection",
    "3.3.2-9": "aliases.a_topic_alias_out_of_range_ends_the_connection", "3.3.2-10": CLIENT, "3.3.2-11": ALIAS,
    "3.3.2-12": "aliases.a_topic_alias_of_the_client_stands_for_its_topic", "3.3.2-13": WRONG,
    "3.3.2-14": "rules.a_response_topic_has_no_wildcards", "3.3.2-15": PROPERTIES, "3.3.2-16": PROPERTIES,
    "3.3.2-17": PROPERTIES, "3.3.2-18": PROPERTIES, "3.3.2-19": WRONG, "3.3.2-20": PROPERTIES, "3.3.4-1": ROUND,
    "3.3.4-2": OVERLAP, "3.3.4-3": OVERLAP, "3.3.4-4": OVERLAP,
    "3.3.4-5": "a message for several subscriptions is always sent once",
    "3.3.4-6": "rules.a_client_does_not_send_subscription_identifiers",
    "3.3.4-7": "session.a_client_that_exceeds_our_receive_maximum_is_disconnected", "3.3.4-8": CLIENT, "3.3.4-9": QUOTA,
    "3.3.4-10": OTHERS,
    "3.4.2-1": WRONG, "3.4.2-2": SENDER, "3.4.2-3": SENDER,
    "3.5.2-1": WRONG, "3.5.2-2": SENDER, "3.5.2-3": SENDER,
    "3.6.1-1": FLAGS, "3.6.2-1": "session.pubrec_for_an_unknown_identifier_is_answered_with_a_pubrel_that_says_so",
    "3.6.2-2": SENDER, "3.6.2-3": SENDER,
    "3.7.2-1": "session.pubrel_for_an_unknown_identifier_is_answered_with_0x92", "3.7.2-2": SENDER, "3.7.2-3": SENDER,
    "3.8.1-1": FLAGS, "3.8.3-1": WRONG, "3.8.3-2": WRONG,
    "3.8.3-3": "session.no_local_keeps_a_clients_own_messages_from_it",
    "3.8.3-4": "sharing.no_local_on_a_shared_subscription_is_a_protocol_error", "3.8.3-5": WRONG, "3.8.4-1": SUBACK,
    "3.8.4-2": SUBACK, "3.8.4-3": REPLACED, "3.8.4-4": HANDLING, "3.8.4-5": SUBACK, "3.8.4-6": SUBACK,
    "3.8.4-7": SUBACK, "3.8.4-8": LOWER,
    "3.9.2-1": FITS, "3.9.2-2": SENDER, "3.9.3-1": SUBACK, "3.9.3-2": SUBACK,
    "3.10.1-1": FLAGS, "3.10.3-1": WRONG, "3.10.3-2": WRONG, "3.10.4-1": UNSUBSCRIBED, "3.10.4-2": UNSUBSCRIBED,
    "3.10.4-3": BEGUN, "3.10.4-4": UNSUBACK, "3.10.4-5": UNSUBACK, "3.10.4-6": UNSUBACK,
    "3.11.2-1": SENDER, "3.11.2-2": SENDER, "3.11.3-1": UNSUBSCRIBED, "3.11.3-2": UNSUBSCRIBED,
    "3.12.4-1": "connecting.a_silent_client_is_disconnected_after_one_and_a_half_keep_alives",
    "3.14.0-1": LOGIN, "3.14.1-1": FLAGS, "3.14.2-1": WRONG,
    "3.14.2-2": "statements.a_disconnect_of_ours_says_nothing_of_the_sessions_expiry", "3.14.2-3": FITS,
    "3.14.2-4": SENDER, "3.14.4-1": END, "3.14.4-2": END, "3.14.4-3": BYE,
    "3.15.1-1": FLAGS, "3.15.2-1": WRONG, "3.15.2-2": SENDER, "3.15.2-3": SENDER,
    "4.1.0-1": OUTLASTS, "4.1.0-2": EXPIRES,
    "4.2-1": "clients.paho_publishes_and_subscribes_at_every_qos",
    "4.3.1-1": ROUND, "4.3.2-1": IDENTIFIERS, "4.3.2-2": AGAIN, "4.3.2-3": AGAIN, "4.3.2-4": PUBLISHER,
    "4.3.2-5": "rules.after_puback_the_same_identifier_means_another_message", "4.3.3-1": IDENTIFIERS, "4.3.3-2": AGAIN,
    "4.3.3-3": AGAIN, "4.3.3-4": QOS2, "4.3.3-5": "session.pubrel_is_sent_again_after_a_reconnect",
    "4.3.3-6": "session.pubrel_is_sent_again_after_a_reconnect",
    "4.3.3-7": "rules.a_message_that_was_sent_does_not_expire_any_more", "4.3.3-8": ONCE,
    "4.3.3-9": "rules.after_a_refused_publish_its_identifier_means_another_message", "4.3.3-10": ONCE, "4.3.3-11": ONCE,
    "4.3.3-12": ONCE, "4.3.3-13": "rules.a_message_that_was_sent_does_not_expire_any_more",
    "4.4.0-1": AGAIN, "4.4.0-2": "rules.a_delivery_that_is_refused_is_not_repeated",
    "4.5.0-1": WAITS, "4.5.0-2": CLIENT,
    "4.6.0-1": AGAIN, "4.6.0-2": ACK_ORDER, "4.6.0-3": ACK_ORDER, "4.6.0-4": PUBRELS, "4.6.0-5": ORDER,
    "4.6.0-6": ORDER,
    "4.7.0-1": NAMES, "4.7.1-1": FILTERS, "4.7.1-2": FILTERS, "4.7.2-1": DOLLAR, "4.7.3-1": FILTERS, "4.7.3-2": NAMES,
    "4.7.3-3": "rules.a_topic_longer_than_we_keep_is_refused",
    "4.7.3-4": "rules.topics_with_dots_and_stars_come_back_as_the_mapping_says",
    "4.8.2-1": SHARE_NAME, "4.8.2-2": SHARE_NAME,
    "4.8.2-3": "statements.a_shared_subscription_has_the_qos_that_was_granted", "4.8.2-4": SHARE_QOS2,
    "4.8.2-5": "statements.a_shared_message_of_qos_2_ends_with_the_session_that_has_it",
    "4.8.2-6": "rules.a_shared_message_that_is_refused_goes_to_nobody_else",
    "4.9.0-1": QUOTA, "4.9.0-2": QUOTA, "4.9.0-3": OTHERS,
    "4.12.0-1": "connecting.other_methods_are_refused", "4.12.0-2": SCRAM, "4.12.0-3": CLIENT,
    "4.12.0-4": "connecting.scram_refuses_a_wrong_proof_at_the_end", "4.12.0-5": SCRAM,
    "4.12.0-6": "connecting.auth_without_a_method_in_connect_is_a_protocol_error",
    "4.12.0-7": "connecting.auth_without_a_method_in_connect_is_a_protocol_error",
    "4.12.1-1": "connecting.a_failed_reauthentication_ends_the_connection",
    "4.12.1-2": "connecting.a_failed_reauthentication_ends_the_connection",
    "4.13.1-1": FLAGS, "4.13.2-1": LOGIN,
    "6.0.0-1": TEXT, "6.0.0-2": PIECES, "6.0.0-3": CLIENT, "6.0.0-4": SUBPROTOCOL,
}  # fmt: skip

V3_1_1 = {
    "1.5.3-1": WRONG, "1.5.3-2": WRONG, "1.5.3-3": "codec.packets.a_byte_order_mark_is_a_character",
    "2.2.2-1": FLAGS, "2.2.2-2": FLAGS,
    "2.3.1-1": WRONG, "2.3.1-2": CLIENT, "2.3.1-3": CLIENT, "2.3.1-4": IDENTIFIERS, "2.3.1-5": OCTETS, "2.3.1-6": QOS2,
    "2.3.1-7": UNSUBACK,
    "3.1.0-1": "connecting.the_first_packet_must_be_connect",
    "3.1.0-2": "connecting.a_second_connect_is_a_protocol_error",
    "3.1.2-1": "connecting.another_protocol_name_is_answered_with_nothing_but_the_close",
    "3.1.2-2": "connecting.an_unknown_level_is_refused_in_words_that_every_client_knows",
    "3.1.2-3": "connecting.reserved_connect_flag_closes_the_connection",
    "3.1.2-4": "session.version_3_sessions_stay_unless_they_are_clean", "3.1.2-5": WAITS,
    "3.1.2-6": "session.version_3_sessions_stay_unless_they_are_clean",
    "3.1.2-7": "statements.what_is_retained_outlasts_the_session_that_published_it", "3.1.2-8": WILL, "3.1.2-9": WRONG,
    "3.1.2-10": BYE, "3.1.2-11": WRONG, "3.1.2-12": "statements.a_client_without_a_will_leaves_none", "3.1.2-13": WRONG,
    "3.1.2-14": WRONG, "3.1.2-15": WRONG, "3.1.2-16": NOT_RETAINED, "3.1.2-17": WILL_FLAGS, "3.1.2-18": WRONG,
    "3.1.2-19": WRONG, "3.1.2-20": WRONG, "3.1.2-21": WRONG, "3.1.2-22": WRONG, "3.1.2-23": CLIENT,
    "3.1.2-24": "connecting.a_silent_client_is_disconnected_after_one_and_a_half_keep_alives", "3.1.3-1": OCTETS,
    "3.1.3-2": "rules.a_client_id_belongs_to_one_session_in_each_vhost", "3.1.3-3": WRONG, "3.1.3-4": WRONG,
    "3.1.3-5": "connecting.long_client_ids_are_taken",
    "3.1.3-6": "statements.clients_without_an_identifier_are_different_clients", "3.1.3-7": CLIENT,
    "3.1.3-8": "connecting.an_empty_client_id_is_refused_where_a_session_would_stay",
    "3.1.3-9": "connecting.an_empty_client_id_is_refused_where_a_session_would_stay", "3.1.3-10": WRONG,
    "3.1.3-11": WRONG, "3.1.4-1": NO_CONNACK,
    "3.1.4-2": "statements.a_client_below_version_5_is_taken_over_without_a_word", "3.1.4-3": CLEAN, "3.1.4-4": ROUND,
    "3.1.4-5": REFUSED,
    "3.2.0-1": "rules.reserved_bits_of_connack_are_zero_and_nothing_comes_before_it", "3.2.2-1": CLEAN,
    "3.2.2-2": "session.version_3_sessions_stay_unless_they_are_clean",
    "3.2.2-3": "session.version_3_sessions_stay_unless_they_are_clean", "3.2.2-4": LOGIN, "3.2.2-5": LOGIN,
    "3.2.2-6": NO_CONNACK,
    "3.3.1-1": AGAIN, "3.3.1-2": WRONG, "3.3.1-3": DUP, "3.3.1-4": WRONG, "3.3.1-5": RETAINED, "3.3.1-6": RETAINED,
    "3.3.1-7": "statements.a_retained_message_of_qos_0_replaces_one_of_qos_1", "3.3.1-8": FLAGGED, "3.3.1-9": FLAGGED,
    "3.3.1-10": EMPTY, "3.3.1-11": EMPTY, "3.3.1-12": KEPT, "3.3.2-1": WRONG, "3.3.2-2": NAMES, "3.3.2-3": MATCHES,
    "3.3.4-1": ROUND, "3.3.5-1": OVERLAP_V3, "3.3.5-2": "connecting.topic_permissions_know_client_and_user",
    "3.6.1-1": FLAGS,
    "3.8.1-1": FLAGS, "3.8.3-1": WRONG, "3.8.3-2": FULL, "3.8.3-3": WRONG, "3-8.3-4": WRONG, "3.8.4-1": SUBACK_V3,
    "3.8.4-2": SUBACK_V3, "3.8.4-3": FLAGGED, "3.8.4-4": SUBACK_V3, "3.8.4-5": SUBACK_V3, "3.8.4-6": LOWER,
    "3.9.3-1": SUBACK_V3, "3.9.3-2": SUBACK_V3,
    "3.10.1-1": FLAGS, "3.10.3-1": WRONG, "3.10.3-2": WRONG, "3.10.4-1": UNSUBACK, "3.10.4-2": UNSUBACK,
    "3.10.4-3": BEGUN, "3.10.4-4": UNSUBACK, "3.10.4-5": UNSUBACK, "3.10.4-6": UNSUBACK,
    "3.12.4-1": "connecting.a_silent_client_is_disconnected_after_one_and_a_half_keep_alives",
    "3.14.1-1": FLAGS, "3.14.4-1": CLIENT, "3.14.4-2": CLIENT, "3.14.4-3": BYE,
    "4.1.0-1": WAITS, "4.1.0-2": OUTLASTS,
    "4.3.1-1": ROUND, "4.3.2-1": AGAIN, "4.3.2-2": "rules.after_puback_the_same_identifier_means_another_message",
    "4.3.3-1": QOS2, "4.3.3-2": ONCE,
    "4.4.0-1": AGAIN,
    "4.5.0-1": WAITS, "4.5.0-2": CLIENT,
    "4.6.0-1": AGAIN, "4.6.0-2": ACK_ORDER, "4.6.0-3": ACK_ORDER, "4.6.0-4": PUBRELS, "4.6.0-5": ORDER,
    "4.6.0-6": ORDER,
    "4.7.1-1": NAMES, "4.7.1-2": FILTERS, "4.7.1-3": FILTERS, "4.7.2-1": DOLLAR, "4.7.3-1": FILTERS, "4.7.3-2": NAMES,
    "4.7.3-3": "rules.a_topic_longer_than_we_keep_is_refused",
    "4.7.3-4": "rules.topics_with_dots_and_stars_come_back_as_the_mapping_says",
    "4.8.0-1": FLAGS, "4.8.0-2": "net.connection.an_error_nobody_foresaw_is_logged_once_and_costs_only_its_connection",
    "6.0.0-1": TEXT, "6.0.0-2": PIECES, "6.0.0-3": CLIENT, "6.0.0-4": SUBPROTOCOL,
    "7.0.0-1": "we open no connections to other servers",
    "7.0.0-2": "clients.paho_publishes_and_subscribes_at_every_qos",
    "7.1.1-1": "clients.paho_publishes_and_subscribes_at_every_qos", "7.1.2-1": CLIENT,
}  # fmt: skip
