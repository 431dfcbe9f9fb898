import Foundation
import Shared
import TestSupport
import Testing

/// Faults at a random moment of an `up` that makes a standby's container again.
extension ClusterSuite.SoakTests {
    /// Lets the fault happen, and another `up` end what it has left.
    ///
    /// - Parameter delay: from the moment at which the run has begun.
    func interrupt(_ fault: Fault, making standby: String, after delay: Duration) async throws {
        _ = try await cluster.command("docker", ["rm", "--force", standby])
        switch fault {
        case .agentKilled:
            _ = try await up(cluster, after: delay) { run, _ in
                if let owner = MachineRuns.owner(of: run) { kill(owner, SIGKILL) }
            }
        case .hostKilled: _ = try await up(cluster, after: delay) { _, host in kill(host.pid, SIGKILL) }
        case .engineKilled:
            _ = try await up(cluster, after: delay) { _, _ in
                try await engine.crash()
                try await engine.start()
            }
        case .linkCut: try await cutLink(after: delay)
        case .diskFull: try await fillDisk(making: standby, after: delay)
        default: Issue.record("\(fault) interrupts no run")
        }
        // The killed host's run goes on: the next `up` waits for its end.
        _ = try await cluster.host(["up", "--wait", "--progress", "none"])
    }

    /// Starts `up`, and does something a while after its run has begun.
    ///
    /// - Parameter deed: gets the run's id, and the process of pgaf-host.
    /// - Returns: the run's id, and the status of pgaf-host.
    private func up(
        _ project: PgafProject, _ flags: [String] = [], after delay: Duration,
        _ deed: (String, DaemonProcess) async throws -> Void
    ) async throws -> (run: String, status: Int32) {
        let former = MachineRuns.latest
        let host = try project.background(["up", "--progress", "none"] + flags)
        let run = try await Wait(for: "the run", upTo: .seconds(60), every: .milliseconds(5), hint: "").until {
            MachineRuns.latest.flatMap { $0 == former ? nil : .found($0) } ?? .notYet("no new run")
        }
        try await ContinuousClock().sleep(for: delay)
        try await deed(run, host)
        return (run, host.wait())
    }

    /// By SSH from another directory, with the same passwords and published addresses, so that nothing else changes.
    private func cutLink(after delay: Duration) async throws {
        try await TestServer.run { server in
            let remote = try TestCluster.remote(server)
            let memory = "\(remote.directory)/.pgaf"
            try FileManager.default.createDirectory(atPath: memory, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                atPath: "\(cluster.directory)/.pgaf/secrets.json", toPath: "\(memory)/secrets.json")
            let flags = ["--set", "access.publish_address=127.0.0.1"]
            let (run, status) = try await up(remote, flags, after: delay) { _, _ in server.cutLinks() }
            let said = (try? String(contentsOfFile: "\(remote.directory)/background.log", encoding: .utf8)) ?? ""
            #expect(status == 0, "the run whose link was cut: \(said)")
            let (seen, journal) = (remote.recordedEvents(), MachineRuns.events(of: run))
            #expect(seen.filter(\.isTheMachines).map(\.body) == journal.filter(\.isTheMachines).map(\.body))
        }
    }

    /// A small disk has all that the machine's own has, for as long as the fault lasts; containers that run see the latter.
    private func fillDisk(making standby: String, after delay: Duration) async throws {
        let disk = SmallDisk(over: "/var/lib/pgaf", size: "512m")
        let copy = try scratchDirectory()
        defer { try? FileManager.default.removeItem(atPath: copy) }
        func fill(_ place: String, from source: String) async throws {
            try await cluster.runner.checked(Command("cp", ["--archive", "\(source)/.", place]), remedy: "")
        }
        try await fill(copy, from: disk.directory)
        try await disk.mount()
        do {
            try await fill(disk.directory, from: copy)
            let (run, status) = try await up(cluster, after: delay) { run, _ in try await disk.fill(during: run) }
            let error = MachineRuns.result(of: run)?.error
            #expect(status == 0 || error?.code == .diskFull, "\(String(describing: error))")
            try await disk.makeRoom()
            _ = try await cluster.host(["up", "--wait", "--progress", "none"])
        } catch {
            Issue.record(error)
        }
        // The last run's process may have its journal open for another moment.
        try await Wait(for: "the small disk to be free", upTo: .seconds(30), hint: "").until {
            () async throws -> Wait.Observation<Void> in
            do {
                try await disk.unmount()
                return .found(())
            } catch let error as PgafError {
                return .notYet(error.message)
            }
        }
        // The container made meanwhile sees the files on the small disk until it starts anew.
        _ = try await cluster.command("docker", ["restart", standby])
    }
}
