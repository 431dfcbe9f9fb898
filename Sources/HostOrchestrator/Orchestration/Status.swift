import Shared

/// `pgaf-host status`: the formation as the monitor and Docker see it now.
enum Status {
    static func run(_ choice: ConfigurationChoice, json: Bool, in context: HostContext) async throws {
        let configuration = try context.currentConfiguration(choice)
        let machine = try await context.machine(configuration)
        let told = try await context.withAgent(on: machine, configuration) {
            try await $0.status(cluster: configuration.cluster)
        }
        let state = await HostPorts(machine, configuration).applied(to: told)
        if json {
            context.say(try JSONText.indented(state))
        } else {
            StatusTable.lines(state).forEach(context.say)
        }
    }
}
