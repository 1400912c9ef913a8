"""The faults that the hub is proven to survive, and the tests that inject them.

Each row is one T of the design. `docs/reliability.md` shows this table beside the figures of the last run.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Promise(StrEnum):
    """Promises of the hub to its users, whatever fails."""

    NOTHING_LOST = "Nothing that was committed is lost."
    ONCE = "Nobody is shown or sent anything twice."
    IN_ORDER = "Every topic is applied in order and without a gap."
    IN_TIME = "It arrives in seconds, or once the failed part is back."
    COUNTS = "Open pages end up with the rows and counts of the database."
    BOUNDED = "Memory, threads and connections stay bounded."
    OTHERS = "One person, client or service delays no other."
    PRIVATE = "Nobody sees what belongs to somebody else."


class Runs(StrEnum):
    """Places where a proof runs. The full size is the size that the design names."""

    ALWAYS = "bin/test"
    SMALLER = "bin/test, in full by make faults or make exhaustive"
    FAULTS = "make faults"


@dataclass(frozen=True)
class Proof:
    """One fault, the promises that it puts at risk, and the tests that show that they hold.

    A test of Python is named as pytest names it. A test of a script is named by its file and a part of its title.
    `runs` is where the most expensive of them runs.
    """

    number: int
    fault: str
    promises: tuple[Promise, ...]
    tests: tuple[str, ...]
    runs: Runs = Runs.ALWAYS


LOST, ONCE, ORDER, TIME = Promise.NOTHING_LOST, Promise.ONCE, Promise.IN_ORDER, Promise.IN_TIME
COUNTS, BOUNDED, OTHERS, PRIVATE = Promise.COUNTS, Promise.BOUNDED, Promise.OTHERS, Promise.PRIVATE

FAULTS, STREAMS = "tests/faults/", "tests/streams/test_streams_faults.py::"
LIVE, JS, BROWSER = "tests/live/", "tests/js/", "tests/browser/"
SERVERS, CLAIMING = LIVE + "test_servers.py::", "tests/delivery/test_claiming.py::"
RESTORED, NESTED = FAULTS + "test_restored_backup.py::", FAULTS + "test_nested_transactions.py::"
SUBSCRIPTIONS = "tests/transports/test_subscriptions.py::"
ADMIN = "tests/announcements/"

PROOFS: tuple[Proof, ...] = (
    Proof(
        1,
        "Eight writers commit late, out of order, or roll back, while two clients read. A naive reader loses events.",
        (LOST, ONCE, ORDER),
        (
            STREAMS + "test_readers_get_every_event_once_and_in_order_while_eight_write",
            STREAMS + "test_the_same_load_makes_a_naive_reader_lose_events",
            FAULTS + "test_ledger.py::test_nothing_is_lost_doubled_or_skipped_without_faults",
            FAULTS + "test_ledger.py::test_a_naive_reader_fails",
        ),
        Runs.SMALLER,
    ),
    Proof(
        2,
        "Threads and two processes write to one SQLite file: at once, for long, or while some roll back.",
        (LOST, ONCE, ORDER),
        (
            STREAMS + "test_writers_in_other_processes_and_in_threads_share_one_sequence",
            STREAMS + "test_readers_get_every_event_once_and_in_order_while_eight_write",
            FAULTS + "test_ledger.py::test_nothing_is_lost_doubled_or_skipped_without_faults",
        ),
        Runs.SMALLER,
    ),
    Proof(
        3,
        "A transaction of PostgreSQL stays open with an event while another commits fifty to the same topic.",
        (LOST, ONCE, TIME, OTHERS),
        (STREAMS + "test_an_open_transaction_blocks_nobody_and_is_read_once_afterwards",),
    ),
    Proof(
        4,
        "Nested savepoints are released or rolled back, and the transaction around them commits or not.",
        (LOST, ORDER),
        (
            NESTED + "test_only_what_was_committed_is_numbered_and_without_a_hole",
            NESTED + "test_a_transaction_that_ends_in_an_error_inside_a_savepoint_keeps_the_rest",
        ),
    ),
    Proof(
        5,
        "Numberers of overlapping topics lock them in opposite order.",
        (TIME, ORDER),
        (
            STREAMS + "test_numberers_of_overlapping_topics_never_deadlock",
            STREAMS + "test_a_numberer_that_waits_for_a_known_stream_has_made_no_new_one",
        ),
    ),
    Proof(
        6,
        "A producer is killed between its commit and the numbering, inside its transaction, or while it numbers.",
        (LOST, ONCE, ORDER),
        (
            STREAMS + "test_a_process_killed_between_commit_and_numbering_loses_nothing",
            STREAMS + "test_a_process_killed_inside_its_transaction_leaves_nothing",
            STREAMS + "test_a_process_killed_while_it_numbers_leaves_a_log_without_holes",
            STREAMS + "test_a_reader_numbers_unnumbered_events",
        ),
    ),
    Proof(
        7,
        "Another app's commit callback raises before the hub's.",
        (LOST,),
        (STREAMS + "test_events_are_numbered_after_another_commit_callback_raised",),
    ),
    Proof(
        8,
        "An inbox changes at random, rolls back, is pruned and restored, while three tabs read it.",
        (COUNTS, ORDER),
        (LIVE + "test_model.py::test_every_tab_ends_up_with_the_state_of_the_database",),
        Runs.SMALLER,
    ),
    Proof(
        9,
        "An older backup is restored while pages are open, with new epochs or the same.",
        (COUNTS, ORDER),
        (
            RESTORED + "test_pages_start_again_after_a_restore",
            RESTORED + "test_pages_start_again_after_a_restore_under_a_running_site",
            "tests/database/test_failover.py::test_a_client_from_before_a_failover_is_reset_when_lost_numbers_are_reused",
            LIVE + "test_behaviour.py::test_a_position_beyond_the_top_is_reset_and_reading_continues_from_now",
            LIVE + "test_behaviour.py::test_a_new_epoch_also_resets_open_connections",
        ),
        Runs.FAULTS,
    ),
    Proof(
        10,
        "A log is pruned while clients page through a backlog.",
        (ORDER, LOST),
        (
            STREAMS + "test_pruning_during_reads_never_makes_a_silent_hole",
            "tests/streams/test_store.py::test_a_reader_of_pages_sees_no_hole_while_its_topic_is_pruned",
            "tests/streams/test_store.py::test_a_reader_overtaken_by_pruning_is_reset",
        ),
    ),
    Proof(
        11,
        "PostgreSQL is killed every six seconds under load.",
        (LOST, ONCE, ORDER, TIME),
        (
            FAULTS + "test_postgres_killed.py::test_nothing_is_lost_if_postgresql_is_killed_again_and_again",
            FAULTS + "test_sentinel.py::test_a_killed_pool_in_transaction_mode_loses_and_doubles_nothing",
        ),
        Runs.FAULTS,
    ),
    Proof(
        12,
        "PostgreSQL hangs for 20 s: it keeps its connections and answers nothing.",
        (LOST, ONCE, ORDER, TIME, BOUNDED),
        (FAULTS + "test_postgres_frozen.py::test_requests_fail_fast_and_connections_stay_while_postgresql_hangs",),
        Runs.FAULTS,
    ),
    Proof(
        13,
        "Redis is killed, is away for ten seconds, and returns empty.",
        (LOST, ONCE, TIME, OTHERS),
        (
            FAULTS + "test_redis.py::test_writing_and_live_delivery_go_on_if_redis_is_killed",
            SERVERS + "test_clients_miss_nothing_if_redis_is_killed_and_returns_empty",
            FAULTS + "test_sentinel.py::test_a_killed_redis_master_loses_and_doubles_nothing",
            FAULTS + "test_sentinel.py::test_a_layer_of_two_hosts_may_lose_the_one_that_carries_hints",
        ),
        Runs.FAULTS,
    ),
    Proof(
        14,
        "Redis takes every packet and answers nothing.",
        (LOST, ONCE, TIME, BOUNDED),
        (FAULTS + "test_redis.py::test_they_go_on_if_redis_swallows_every_packet",),
        Runs.FAULTS,
    ),
    Proof(
        15,
        "Redis forgets everything, cuts its clients, is full, or becomes a replica that refuses to write.",
        (LOST, ONCE, TIME),
        (FAULTS + "test_redis.py::test_they_go_on_if_redis_forgets_cuts_its_clients_is_full_or_read_only",),
        Runs.FAULTS,
    ),
    Proof(
        16,
        "Hints between processes are lost, doubled or late, so that they overtake each other.",
        (LOST, ONCE, ORDER, TIME),
        (FAULTS + "test_hints.py::test_lost_doubled_and_reordered_hints_cost_a_second_at_most",),
        Runs.FAULTS,
    ),
    Proof(
        17,
        "A process that was stopped for a moment finds 10,000 hints, a hundred times what its channel holds.",
        (LOST, ONCE, BOUNDED),
        (FAULTS + "test_hints.py::test_a_burst_of_hints_costs_neither_events_nor_memory",),
        Runs.FAULTS,
    ),
    Proof(
        18,
        "One of two web processes is killed with the connections of many people.",
        (LOST, ONCE, TIME),
        (
            FAULTS + "test_cluster.py::test_a_killed_web_process_delays_its_pages_for_seconds",
            SERVERS + "test_all_clients_catch_up_after_one_of_two_processes_is_killed",
            LIVE + "test_asgi_exchange.py::test_clients_miss_nothing_across_a_server_restart",
            LIVE + "test_admission.py::test_a_crowd_costs_as_many_queries_as_one_visitor",
            FAULTS + "test_cluster.py::test_a_killed_web_process_delays_its_pages_for_seconds",
        ),
        Runs.FAULTS,
    ),
    Proof(
        19,
        "A web process is asked to stop, as by a deployment.",
        (LOST, TIME),
        (
            FAULTS + "test_cluster.py::test_a_web_process_that_is_asked_to_stop_cuts_no_request",
            LIVE + "test_asgi_exchange.py::test_a_stopping_server_closes_every_connection_and_exits_within_seconds",
            LIVE + "test_server_matrix.py::test_a_server_behaves_as_the_page_says",
            JS + "client/hub-client.test.js::after a server restart it reconnects within seconds",
            FAULTS + "test_cluster.py::test_a_web_process_that_is_asked_to_stop_cuts_no_request",
        ),
        Runs.FAULTS,
    ),
    Proof(
        20,
        "The only process is killed with 2,000 pages, which all return at the same moment.",
        (LOST, ONCE, TIME),
        (FAULTS + "test_storm.py::test_two_thousand_pages_that_return_at_once_are_caught_up_in_seconds",),
        Runs.FAULTS,
    ),
    Proof(
        21,
        "Workers are killed in the middle of their pushes, and the broker of the jobs is killed.",
        (LOST, ONCE, TIME),
        (
            "tests/delivery/test_hub_worker.py::test_a_worker_killed_in_the_middle_loses_nothing",
            "tests/delivery/test_hub_worker.py::test_twenty_workers_killed_in_the_middle_lose_nothing",
            "tests/jobs/test_worker.py::test_a_killed_broker_loses_no_job",
            FAULTS + "test_deliveries.py::test_killed_workers_lose_nothing_and_double_nothing",
        ),
        Runs.FAULTS,
    ),
    Proof(
        22,
        "Workers claim the same rows, and the clock of one is five minutes wrong.",
        (ONCE, TIME),
        (
            CLAIMING + "test_concurrent_workers_never_claim_the_same_delivery",
            CLAIMING + "test_a_worker_whose_clock_is_ahead_claims_nothing_early",
            CLAIMING + "test_a_worker_whose_clock_is_behind_arms_and_retries_for_the_same_time",
            CLAIMING + "test_a_worker_that_lost_the_lease_overwrites_nothing",
        ),
    ),
    Proof(
        23,
        "One process on SQLite, without Celery and Redis, whose own threads notify people beside other processes.",
        (LOST, ONCE, ORDER, TIME),
        (FAULTS + "test_embedded.py::test_a_site_of_one_process_loses_nothing_and_its_own_threads_are_heard_at_once",),
        Runs.SMALLER,
    ),
    Proof(
        24,
        "Clients change between WebSocket, stream, long poll and poll at random, and between two servers.",
        (LOST, ONCE, ORDER),
        (
            LIVE + "test_switching.py::test_a_client_that_changes_connections_applies_every_event_exactly_once",
            LIVE
            + "test_servers.py::test_a_client_that_changes_connections_and_servers_applies_every_event_exactly_once",
        ),
        Runs.FAULTS,
    ),
    Proof(
        25,
        "The network drops every packet of a page after the handshake, so no end of the connection is heard.",
        (LOST, TIME, BOUNDED),
        (FAULTS + "test_half_open.py::test_half_open_connections_are_freed_and_their_people_get_a_push",),
        Runs.FAULTS,
    ),
    Proof(
        26,
        "An answer is cut after any byte: in its head, a frame, an event or a character.",
        (LOST, ONCE, ORDER),
        (
            FAULTS + "test_cut_connections.py::test_an_answer_that_is_cut_anywhere_is_applied_whole_and_once",
            JS + "connections/event-stream.test.js::pieces may be cut anywhere",
            JS + "connections/event-stream.test.js::an unfinished event is not returned",
            JS + "client/hub-client.test.js::however often the connection is cut",
        ),
        Runs.SMALLER,
    ),
    Proof(
        27,
        "A proxy holds streams back or compresses them.",
        (TIME,),
        (
            BROWSER + "test_connections.py::test_buffered_streams_fall_back_to_polling",
            LIVE + "test_asgi_exchange.py::test_answers_are_not_cached_compressed_or_buffered",
            SERVERS + "test_events_pass_nginx_immediately",
            "tests/test_nginx.py::test_websockets_streams_and_polls_are_not_buffered",
        ),
        Runs.SMALLER,
    ),
    Proof(
        28,
        "Eight tabs share one connection, and the tab that holds it crashes, closes or hangs.",
        (LOST, ONCE, TIME, BOUNDED),
        (
            BROWSER + "test_connections.py::test_eight_tabs_share_one_connection_and_show_one_toast",
            BROWSER + "test_connections.py::test_a_follower_takes_over_from_a_crashed_leader_and_nothing_is_lost",
            BROWSER + "test_connections.py::test_a_follower_takes_over_from_a_closed_leader",
            BROWSER + "test_connections.py::test_a_leader_that_hangs_is_replaced",
        ),
    ),
    Proof(
        29,
        "A laptop sleeps for long, or the clock of a machine jumps by a day.",
        (LOST, ONCE, TIME),
        (
            BROWSER + "test_connections.py::test_pages_catch_up_after_the_machine_slept",
            JS + "client/hub-client.test.js::a socket that slept in a hidden tab is replaced",
            FAULTS + "test_clock_jumps.py::test_every_push_is_sent_once_although_the_clock_jumps",
            "tests/delivery/test_held_changes.py::test_a_clock_that_goes_back_holds_back_again",
        ),
        Runs.SMALLER,
    ),
    Proof(
        30,
        "An event is published exactly while a client connects.",
        (LOST, ONCE),
        (LIVE + "test_races.py::test_an_event_published_while_a_client_connects_is_not_missed",),
        Runs.SMALLER,
    ),
    Proof(
        31,
        "A tenth of the clients stops reading during fifty broadcasts.",
        (BOUNDED, OTHERS, LOST),
        (
            LIVE + "test_slow_readers.py::test_a_client_that_stops_reading_is_closed_without_delay_for_others",
            LIVE + "test_catch_up.py::test_many_clients_far_behind_take_only_bounded_memory",
        ),
        Runs.SMALLER,
    ),
    Proof(
        32,
        "A client sends frames that are too large, too many, binary, broken or in very many pieces.",
        (BOUNDED, OTHERS),
        (
            LIVE + "test_websocket.py::test_an_invalid_frame_closes_only_its_own_connection",
            LIVE + "test_websocket.py::test_a_binary_frame_is_refused",
            LIVE + "test_websocket.py::test_a_frame_of_more_than_eight_kibibytes_is_too_large",
            LIVE + "test_websocket.py::test_a_frame_in_many_pieces_is_too_large_all_the_same",
            LIVE + "test_websocket.py::test_more_than_twenty_frames_in_ten_seconds_are_too_many",
            LIVE + "test_websocket.py::test_an_incomplete_utf8_character_is_rejected",
        ),
    ),
    Proof(
        33,
        "A flood of handshakes comes from another origin, as fast as one process can send them.",
        (OTHERS, BOUNDED, TIME),
        (FAULTS + "test_cluster.py::test_a_flood_of_handshakes_from_another_origin_keeps_nobody_out",),
        Runs.FAULTS,
    ),
    Proof(
        34,
        "Five hundred requests are sent by half, while five hundred long polls wait.",
        (OTHERS, TIME),
        (FAULTS + "test_cluster.py::test_strangers_that_send_half_a_request_and_polls_that_wait_keep_nobody_out",),
        Runs.FAULTS,
    ),
    Proof(
        35,
        "A tenth of the push services is hostile: silent, slow, endless, redirecting or rebound to a private address.",
        (OTHERS, BOUNDED, PRIVATE),
        (
            "tests/transports/test_hostile.py::test_hostile_services_do_not_delay_the_others",
            "tests/transports/test_hostile.py::test_hostile_services_do_not_delay_very_many_others",
        ),
        Runs.FAULTS,
    ),
    Proof(
        36,
        "A push service gives every answer that the standard and its operators know, and none.",
        (LOST, ONCE),
        (
            "tests/transports/test_answer_table.py::test_each_answer_has_its_outcome",
            "tests/transports/test_answer_table.py::test_a_retry_is_due_when_the_push_service_asked",
        ),
    ),
    Proof(
        37,
        "Forged cursors, and requests made up from the schema of the API.",
        (PRIVATE,),
        (
            LIVE + "test_fuzz.py::test_ten_thousand_forged_cursors_are_a_reset_or_a_bad_request",
            LIVE + "test_fuzz.py::test_the_running_site_handles_forged_cursors_as_well",
            "tests/inbox/test_fuzzing.py::test_routes_for_people",
            "tests/inbox/test_fuzzing.py::test_routes_for_services",
        ),
        Runs.SMALLER,
    ),
    Proof(
        38,
        "A person signs out, is deactivated, changes the password or loses a right during a stream of any kind.",
        (PRIVATE, TIME),
        (
            LIVE + "test_session_end.py::test_signing_out_ends_the_connection",
            LIVE + "test_session_end.py::test_an_account_change_in_another_process_ends_the_connection",
            LIVE + "test_session_end.py::test_a_revoked_person_gets_nothing_more_until_they_reconnect",
            LIVE + "test_rights.py::test_a_right_removed_by_raw_sql_is_noticed",
            LIVE + "test_hub.py::test_a_hanging_cache_delays_no_revocation_and_no_admission",
        ),
    ),
    Proof(
        39,
        "Two people use one browser profile, one after the other.",
        (PRIVATE,),
        (
            BROWSER + "test_firefox_push.py::test_people_sharing_a_browser_never_see_each_others_notifications",
            SUBSCRIPTIONS + "test_a_push_planned_for_alice_never_reaches_a_browser_that_bob_took_over",
            JS + "service_worker/push-worker.test.js::a push for Alice shows none of her words while",
        ),
    ),
    Proof(
        40,
        "Everything is marked as read in three tabs, again and again, while notifications arrive.",
        (COUNTS,),
        (
            FAULTS + "test_marks_race.py::test_three_tabs_end_with_the_rows_of_the_database",
            FAULTS + "test_badge_race.py::test_no_badge_is_negative_or_stays_wrong",
        ),
        Runs.SMALLER,
    ),
    Proof(
        41,
        "An announcement to 100,000 people is sent by a transport, and its workers are killed on the way.",
        (LOST, ONCE, OTHERS, TIME),
        (
            FAULTS + "test_large_rollout.py::test_each_of_very_many_people_gets_it_once_and_others_do_not_wait",
            ADMIN + "test_rollouts.py::test_killed_workers_leave_nobody_out",
            ADMIN + "test_rollouts.py::test_other_notifications_go_first",
        ),
        Runs.FAULTS,
    ),
    Proof(
        42,
        "An announcement is submitted twice, or two people approve or announce it at the same moment.",
        (ONCE,),
        (
            FAULTS + "test_double_submit.py::test_a_double_submit_and_a_race_of_approvers_announce_exactly_once",
            ADMIN + "test_admin.py::test_a_form_that_is_sent_twice_announces_once",
            ADMIN + "test_admin.py::test_two_clicks_at_the_same_moment_announce_once",
            ADMIN + "test_drafts.py::test_two_admins_who_announce_a_draft_at_once_announce_it_once",
            ADMIN + "test_approval.py::test_of_two_who_approve_at_once_one_does",
        ),
    ),
    Proof(
        43,
        "The disk of PostgreSQL or SQLite is full, or PostgreSQL is read-only.",
        (LOST, ONCE, ORDER, TIME),
        (
            FAULTS + "test_no_room.py::test_a_full_disk_of_postgresql_loses_nothing",
            FAULTS + "test_no_room.py::test_a_read_only_postgresql_loses_nothing",
            FAULTS + "test_no_room.py::test_a_full_disk_of_sqlite_loses_nothing",
        ),
        Runs.FAULTS,
    ),
    Proof(
        44,
        "PostgreSQL takes no more connections, while a thousand pages are open.",
        (LOST, BOUNDED, TIME),
        (FAULTS + "test_connection_limit.py::test_sockets_need_no_connection_and_outlast_the_limit",),
        Runs.FAULTS,
    ),
    Proof(
        45,
        "A process serves for long, and could keep something of all that it did.",
        (BOUNDED,),
        (FAULTS + "test_soak.py::test_the_second_half_of_a_soak_grows_no_more_than_the_first",),
        Runs.FAULTS,
    ),
    Proof(
        46,
        "Sockets stay open for half an hour, pages come and go, and Redis and workers are killed every few minutes.",
        (LOST, ONCE, ORDER, BOUNDED),
        (FAULTS + "test_soak.py::test_the_second_half_of_a_soak_grows_no_more_than_the_first",),
        Runs.FAULTS,
    ),
    Proof(
        47,
        "Processes of two versions share one database, and open pages meet a newer or an older server.",
        (LOST, ONCE, ORDER),
        (
            FAULTS + "test_versions.py::test_processes_are_replaced_one_by_one",
            FAULTS + "test_versions.py::test_an_open_page_survives_an_upgrade_and_its_withdrawal",
        ),
        Runs.SMALLER,
    ),
    Proof(
        48,
        "A person is erased while others notify them, pages mark what comes and workers send it.",
        (PRIVATE, ORDER, COUNTS),
        (
            FAULTS + "test_erasure_under_load.py::test_an_erasure_under_load_leaves_no_orphan_and_no_gap",
            "tests/personal_data/test_personal_data.py::test_an_erased_person_is_found_nowhere_and_no_topic_has_a_gap",
            "tests/personal_data/test_personal_data.py::test_a_killed_erasure_is_continued",
        ),
    ),
    Proof(
        49,
        "The audit trail of announcements is changed or cut off behind the hub's back, or sealed by four at once.",
        (PRIVATE, LOST),
        (
            ADMIN + "test_seals.py::test_a_tampered_trail_fails",
            ADMIN + "test_seals.py::test_an_end_that_was_cut_off_is_noticed_by_the_seal_that_was_kept",
            ADMIN + "test_seals.py::test_processes_that_seal_at_once_make_one_chain",
            ADMIN + "test_seals.py::test_a_step_that_commits_late_waits_for_nobody_and_is_sealed_last",
        ),
    ),
    Proof(
        50,
        "The name of a push service comes to point to a private address between registration and the push.",
        (PRIVATE,),
        (
            "tests/transports/test_web_push.py::test_a_name_that_became_private_since_registration_is_refused",
            "tests/transports/test_resolver.py::test_a_connection_gets_public_addresses_only",
            "tests/transports/test_hostile.py::test_hostile_services_do_not_delay_the_others",
        ),
    ),
)
