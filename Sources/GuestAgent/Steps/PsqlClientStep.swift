import Shared

/// `psql` on the machine itself, for its people and for the checks that come the way clients come.
struct PsqlClientStep: Step {
    let id = "psql-client"
    let title = "the psql client"
    // After Docker, because two apt processes would only wait for each other.
    let dependencies = ["docker"]

    func inspect(_ context: AgentContext) async throws -> [Change] {
        try await Self.isThere(context) ? [] : [Change(.create, "package", "install \(package(context))")]
    }

    static func isThere(_ context: AgentContext) async throws -> Bool {
        do {
            return try await context.runner.run(Command("psql", ["--version"])).succeeded
        } catch let error as PgafError where error.code == .commandNotFound {
            return false
        }
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        try await BundleParts.apt(context).install([package(context)], onLine: context.output(id))
    }

    private func package(_ context: AgentContext) -> String {
        context.topology.state.source.psqlPackage(version: context.topology.state.postgresVersion)
    }
}
