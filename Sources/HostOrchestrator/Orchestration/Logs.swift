import Shared

/// `pgaf-host logs`: what the containers write.
enum Logs {
    struct Options: Sendable, Equatable {
        var choice = ConfigurationChoice()
        var node: String?
        var follow = false
        var tail: Int?
        /// Whether each line is a JSON object.
        var json = false
    }

    static func run(_ options: Options, in context: HostContext) async throws {
        let configuration = try context.currentConfiguration(options.choice)
        if let node = options.node { try configuration.requireContainer(node) }
        let machine = try await context.machine(configuration)
        try await context.withAgent(on: machine, configuration) { client in
            let arguments = client.invocation.logs(
                cluster: configuration.cluster, node: options.node, follow: options.follow, tail: options.tail)
            try await client.logs(arguments, to: context.output) {
                options.json ? nil : options.node == nil ? "\($0.container): \($0.line)" : $0.line
            }
        }
    }
}
