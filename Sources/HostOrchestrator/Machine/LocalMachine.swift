import Shared

/// This Linux machine with its own Docker; nothing to make and nothing to remove.
public struct LocalMachine: Machine {
    public init() {}

    public var description: String { "this machine" }

    public func outlook() async throws -> MachineOutlook {
        #if os(Linux)
            return MachineOutlook(.running)
        #else
            throw PgafError(
                .machineUnsupported, "The machine kind `local` needs Linux, and this is not.",
                remedy: "Set machine.kind to vagrant or ssh in pgaf.yaml.")
        #endif
    }

    public func bringUp(
        reporting progress: any ProgressSink, rest: (@Sendable () async throws -> Void)?
    ) async throws -> Bool {
        _ = try await outlook()
        return false
    }

    public func connect() async throws -> any Connection { LocalConnection() }

    public func endpoint(forGuestPort port: Int) async throws -> Endpoint {
        Endpoint(address: "127.0.0.1", port: port)
    }

    public func interactiveCommand(_ remote: [String], terminal: Bool) async throws -> Command {
        guard let program = remote.first else {
            return Command("sh", ["-c", "exec \"${SHELL:-/bin/sh}\" -l"], deadline: nil)
        }
        return Command(program, Array(remote.dropFirst()), deadline: nil)
    }

    public func destructionSummary() async throws -> [String] { [] }

    public func destroy(reporting progress: any ProgressSink) async throws {}
}
