import Shared

/// libpq's password file: what `pgaf-host psql` logs in with, never seen in arguments or environment.
enum PasswordFile {
    /// One line for each node and one for the monitor.
    ///
    /// The database is `*`, since replication connections look up another name than one expects.
    static func text(_ strings: ConnectionStrings, _ secrets: ClusterSecrets) -> String {
        func line(_ endpoint: Endpoint, _ user: String, _ password: Secret) -> String {
            [endpoint.address, String(endpoint.port), "*", user, password.revealed]
                .enumerated().map { $0.offset == 2 ? $0.element : PassfileField.escaped($0.element) }.joined(
                    separator: ":") + "\n"
        }
        let client = ConnectionStrings.clientPassword(secrets, user: strings.user)
        return strings.nodes.map { line($0.endpoint, strings.user, client) }.joined()
            + line(strings.monitor.endpoint, strings.monitorUser, secrets.monitor)
    }
}
