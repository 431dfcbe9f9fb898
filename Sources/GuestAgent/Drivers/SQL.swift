/// The one place that puts values into SQL text.
public enum SQL {
    /// A string literal; right for every string without NUL under `standard_conforming_strings = on`, PostgreSQL's
    /// default, and independent of that setting when there is a backslash (`E''`).
    public static func literal(_ text: String) -> String {
        let doubled = text.replacingScalar("'", with: "''")
        guard doubled.unicodeScalars.contains("\\") else { return "'\(doubled)'" }
        return "E'" + doubled.replacingScalar("\\", with: "\\\\") + "'"
    }

    /// A quoted identifier.
    public static func identifier(_ name: String) -> String {
        "\"" + name.replacingScalar("\"", with: "\"\"") + "\""
    }

    /// A block that returns as soon as `condition` holds, and after `limit` seconds in any case: waiting on the server
    /// costs one look each 50 ms there instead of a new client for each look. In an emulated machine a new client
    /// (`docker exec`, `psql`) costs seconds of the processor that the node needs to come up.
    public static func awaiting(_ condition: String, limit: Double = 8, doing action: String = "") -> String {
        """
        DO $pgaf$ BEGIN
        FOR i IN 1..\(max(1, Int(limit * 20))) LOOP
            \(action)
            IF \(condition) THEN RETURN; END IF;
            PERFORM pg_sleep(0.05);
            PERFORM pg_stat_clear_snapshot();
        END LOOP;
        END $pgaf$;

        """
    }
}
