import Shared

/// Triggers on the monitor's `pgautofailover.node` that keep pg_auto_failover 2.2 from promoting two nodes at once.
///
/// Two holes are closed, both seen when everything restarts while clients write (docs/decisions/0013-monitor-guard.md):
///
/// - Whether a node's PostgreSQL runs is taken from its keeper's last word, and `startup_grace_period` does not count
///   there. The last word before a restart, and the first after it, is that it does not run, so that a primary which
///   is just starting was given up.
/// - A node whose promotion has begun and which is not seen healthy for a moment does not keep the monitor from choosing
///   another one. Both take writes then, one after the other, and what the first one confirmed is rewound.
enum MonitorGuard {
    /// Each trigger with its function; the functions are compared with what the monitor has, the rest by the names.
    private struct Trigger {
        var name: String
        var when: String
        var body: String
    }

    /// The states of which at most one node of a group may have one assigned: on the way to writes, or taking them.
    static let writing = ["fast_forward", "prepare_promotion", "stop_replication"] + NodeState.takingWrites

    /// Those of them in which it takes writes already; from one to another of these nobody else is put in danger.
    private static let settled = NodeState.takingWrites

    /// Not where the clock was set back behind the start: it would seem to last until the clock is there again.
    private static let sinceStart = """
        clock_timestamp() BETWEEN pg_postmaster_start_time()
                AND pg_postmaster_start_time() + \(setting("startup_grace_period", "10s"))
        """

    private static func setting(_ name: String, _ usual: String) -> String {
        "coalesce(current_setting('pgautofailover.\(name)', true), '\(usual)')::interval"
    }

    private static let triggers = [
        // One report after the other while old ones may be corrected: a report has locked its own row, and would wait
        // for another that waits for it.
        Trigger(
            name: "pgaf_1_reports_in_turn",
            when: "BEFORE UPDATE OF reportedpgisrunning ON pgautofailover.node FOR EACH STATEMENT",
            body: """
                BEGIN
                    IF pg_trigger_depth() = 1 AND \(sinceStart) THEN
                        PERFORM pg_advisory_xact_lock(hashtext('pgaf_1_reports_in_turn'));
                    END IF;
                    RETURN NULL;
                END
                """),
        // What was said before the monitor's start says nothing about now, and a node that has not started yet gets the
        // same time as one that does not answer.
        Trigger(
            name: "pgaf_2_grace_for_reports",
            when: "BEFORE UPDATE OF reportedpgisrunning ON pgautofailover.node FOR EACH ROW",
            body: """
                BEGIN
                    IF pg_trigger_depth() = 1 AND \(sinceStart) THEN
                        NEW.reportedpgisrunning := true;
                        UPDATE pgautofailover.node SET reportedpgisrunning = true
                            WHERE nodeid <> NEW.nodeid AND NOT reportedpgisrunning
                            AND reporttime < pg_postmaster_start_time();
                    END IF;
                    RETURN NEW;
                END
                """),
        // At the end of the transaction: a failover of two nodes assigns the candidate its state before it takes the
        // primary's. Nobody stands in the way who has not reported for as long as the monitor waits for a node (after the
        // monitor's start nobody can have), or whose server is down by his own word and by the monitor's look.
        Trigger(
            name: "pgaf_3_one_writer",
            when: """
                AFTER UPDATE OF goalstate ON pgautofailover.node DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW WHEN (OLD.goalstate IS DISTINCT FROM NEW.goalstate)
                """,
            body: """
                DECLARE
                    writing CONSTANT text[] := '{\(writing.joined(separator: ","))}';
                    own text;
                    other text;
                BEGIN
                    SELECT goalstate INTO own FROM pgautofailover.node WHERE nodeid = NEW.nodeid;
                    IF own = ANY (writing) AND OLD.goalstate::text <> ALL ('{\(settled.joined(separator: ","))}') THEN
                        SELECT format('%s (%s)', nodename, goalstate) INTO other FROM pgautofailover.node
                            WHERE formationid = NEW.formationid AND groupid = NEW.groupid AND nodeid <> NEW.nodeid
                            AND goalstate::text = ANY (writing)
                            AND (\(sinceStart) OR clock_timestamp()
                                < reporttime + \(setting("node_considered_unhealthy_timeout", "20s")))
                            AND (reportedpgisrunning OR health <> 0 OR clock_timestamp()
                                < statechangetime + \(setting("primary_demote_timeout", "30s")))
                            LIMIT 1;
                        IF FOUND THEN
                            RAISE EXCEPTION 'pgaf: % cannot go to % while % is there', NEW.nodename, own, other
                                USING HINT = 'Two nodes would take writes. The monitor tries again.';
                        END IF;
                    END IF;
                    RETURN NULL;
                END
                """),
    ]

    /// Makes or replaces all of it, or nothing.
    static let installation: String = {
        let parts = triggers.map { trigger in
            """
            CREATE OR REPLACE FUNCTION pgaf.\(trigger.name)() RETURNS trigger LANGUAGE plpgsql
                SET search_path = pg_catalog, pg_temp AS \(SQL.literal(trigger.body));
            DROP TRIGGER IF EXISTS \(trigger.name) ON pgautofailover.node;
            CREATE \(trigger.when.hasPrefix("AFTER") ? "CONSTRAINT " : "")TRIGGER \(trigger.name) \(trigger.when)
                EXECUTE FUNCTION pgaf.\(trigger.name)();
            """
        }
        return
            (["BEGIN;", "SET LOCAL client_min_messages = warning;", "CREATE SCHEMA IF NOT EXISTS pgaf;"] + parts
            + ["COMMIT;"]).joined(separator: "\n")
    }()

    /// Says what the monitor has, in the form of `expected`.
    static let question = """
        SELECT string_agg(t.tgname || t.tgenabled::text || p.prosrc, E'\\n' ORDER BY t.tgname) FROM pg_trigger t
            JOIN pg_proc p ON p.oid = t.tgfoid
            WHERE t.tgrelid = to_regclass('pgautofailover.node') AND t.tgname LIKE 'pgaf\\_%';
        """

    /// The answer of a monitor that has all of it, switched on.
    static let expected = triggers.map { $0.name + "O" + $0.body }.joined(separator: "\n").trimmed
}
