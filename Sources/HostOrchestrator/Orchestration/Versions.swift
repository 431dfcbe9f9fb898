import Shared

/// `pgaf-host version`: this program, the protocol, and the agent on the machine if there is one that answers.
enum Versions {
    struct Listing: Encodable, Equatable {
        var host: String
        var `protocol`: Int
        /// nil when no cluster was made here or its machine does not answer.
        var agent: String?
    }

    static func run(json: Bool, in context: HostContext) async throws {
        let listing = Listing(host: PgafVersion.current, protocol: Event.version, agent: await agent(in: context))
        if json {
            context.say(try JSONText.indented(listing))
        } else {
            context.say("pgaf-host \(listing.host)")
            context.say("protocol \(listing.protocol)")
            context.say("pgaf-agent \(listing.agent ?? "not reachable")")
        }
    }

    /// Only asked where `up` has made a machine; a machine that is down is no failure of this verb.
    private static func agent(in context: HostContext) async -> String? {
        guard let memory = try? ClusterMemory.load(context.project),
            let machine = try? await context.machine(memory.configuration)
        else { return nil }
        return try? await context.withAgent(on: machine, memory.configuration) { try await $0.version() }
    }
}
