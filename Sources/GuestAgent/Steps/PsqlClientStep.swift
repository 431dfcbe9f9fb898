import Shared

/// `psql` on the machine itself, for its people and for the checks that come the way clients come.
struct PsqlClientStep: Step {
    let id = "psql-client"
    let title = "the psql client"
    // After Docker, because two apt processes would only wait for each other.
    let dependencies = ["docker"]

    func inspect(_ context: AgentContext) async throws -> [Change] {
        do {
            let found = try await context.runner.run(Command("psql", ["--version"]))
            if found.succeeded { return [] }
        } catch let error as PgafError where error.code == .commandNotFound {}
        return [Change(.create, "package", "install \(package(context))")]
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        let state = context.topology.state
        if state.source == .pgdg {
            try await AptRepositories(runner: context.runner, files: context.files)
                .add([SoftwareSource.pgdg(context.topology.facts.codename)], onLine: context.output(id))
        }
        try await BundleParts.apt(context).install([package(context)], onLine: context.output(id))
    }

    private func package(_ context: AgentContext) -> String {
        context.topology.state.source.psqlPackage(version: context.topology.state.postgresVersion)
    }
}
