import Shared

/// `pgaf-host uri`: connection strings on the ports that answer from here.
enum Uri {
    struct Options: Sendable, Equatable {
        var choice = ConfigurationChoice()
        /// A node, the monitor, or `cluster`: its string alone, for other programs. nil for a table of all.
        var only: String?
        var showPassword = false
        var json = false
    }

    static func run(_ options: Options, in context: HostContext) async throws {
        let configuration = try context.currentConfiguration(options.choice)
        if let name = options.only, name != Listing.all { try configuration.requireContainer(name) }
        let machine = try await context.machine(configuration)
        let strings = try await ConnectionStrings.resolve(configuration, on: machine, context.project)
        try strings.requireAuthority(context.project)
        let secrets =
            options.showPassword
            ? try await PasswordStore(project: context.project, environment: context.environment)
                .resolve(configuration.passwords, missing: .refused) : nil
        // A port that cannot be told hides no string of those that can.
        let pooler =
            configuration.machine.kind == .vagrant
            ? try? await machine.endpoint(forGuestPort: configuration.pooler.port) : nil
        let listing = Listing(strings, secrets, pooler: pooler)
        if let name = options.only {
            context.say(listing.uri(of: name))
        } else if options.json {
            context.say(try JSONText.indented(listing))
        } else {
            lines(listing).forEach(context.say)
        }
    }

    /// All strings by what they lead to.
    struct Listing: Encodable, Equatable {
        struct Node: Encodable, Equatable {
            var name: String
            var uri: String
        }

        /// All nodes at once; leads to the primary.
        var cluster: String
        var nodes: [Node]
        var monitor: Node
        /// Where a pooler in the machine is reached from here; nil where its port is not forwarded.
        var pooler: Endpoint?

        /// What means all nodes where a name is asked for, unless a node is called so.
        static let all = "cluster"

        func uri(of name: String) -> String { (nodes + [monitor]).first { $0.name == name }?.uri ?? cluster }

        init(_ strings: ConnectionStrings, _ secrets: ClusterSecrets?, pooler: Endpoint?) {
            self.pooler = pooler
            let password = secrets.map { ConnectionStrings.clientPassword($0, user: strings.user) }
            cluster = strings.cluster(password: password)
            nodes = strings.nodes.map { Node(name: $0.name, uri: strings.node($0, password: password)) }
            monitor = Node(name: strings.monitor.name, uri: strings.monitor(password: secrets?.monitor))
        }
    }

    static func lines(_ listing: Listing) -> [String] {
        var rows = [["cluster", listing.cluster]]
        rows += (listing.nodes + [listing.monitor]).map { [$0.name, $0.uri] }
        if let pooler = listing.pooler {
            rows.append(["pooler", "\(pooler.address):\(pooler.port), for one of your own (docs/pooler.md)"])
        }
        return StatusTable.columns(rows)
    }
}
