import Foundation
import Shared
import TestSupport
import Testing

/// The first `up`, whose link, host and machine go while it is at work.
extension WholePathTests {
    func anUpThatLosesItsLinkAndThenItsHost() async throws {
        let former = project.recordedRun
        let host = try project.background(["up", "--progress", "none"])
        try await loseTheLink(after: former)
        try await lose(host, after: former)
    }

    func anUpThatLosesItsLinkAndThenItsMachine() async throws {
        let former = project.recordedRun
        let host = try project.background(["up", "--progress", "none"])
        try await loseTheLink(after: former)
        try await project.waitForEvent("the first node", after: former) { $0 == .stepStarted(step: "node.pgnode1") }
        expectEveryEventOnce()
        say("cutting the power")
        _ = try await virsh(["destroy", domain])
        _ = try await virsh(["start", domain])
        // The machine comes back without its run, and pgaf-host says so.
        #expect(host.wait() != 0)
        guard case .result(let result) = project.recordedEvents().last?.body else {
            Issue.record("the run has no result")
            return
        }
        say("the end of the first run: \(result.error?.message ?? "-")")
        #expect(result.status == .failed && result.error?.remedy.contains("up") == true)
    }

    func anUpWhoseHostIsKilled() async throws {
        let former = project.recordedRun
        try await lose(try project.background(["up", "--progress", "none"]), after: former)
    }

    /// The run of a host that is killed goes on in the machine, and another terminal follows it to its end.
    private func lose(_ host: DaemonProcess, after former: String?) async throws {
        try await project.waitForEvent("the second node", after: former) { $0 == .stepStarted(step: "node.pgnode2") }
        expectEveryEventOnce()
        say("killing pgaf-host")
        kill(host.pid, SIGKILL)
        #expect(host.wait() == 128 + SIGKILL)
        let attached = try await project.host(["attach"], onLine: { print($0) })
        // Nothing can be told of a machine without its cluster.
        try #require(attached.status == 0)
        #expect(attached.standardOutput.contains("the cluster pgaf is up"))
    }

    /// Pulls the cable of an `up` in its middle, and has it connected again.
    private func loseTheLink(after former: String?) async throws {
        try await project.waitForEvent("the image to be there", after: former) { $0 == .stepStarted(step: "image") }
        say("pulling the cable")
        try await setLinks("down")
        try await project.waitForEvent("pgaf-host to notice", after: former) { body in
            if case .heartbeat(let beat) = body { beat.awaiting.contains("answer again") } else { false }
        }
        try await setLinks("up")
        try await project.waitForEvent("pgaf-host to be there again", after: former) { body in
            if case .stepOutput("connect", let line) = body { line.contains("connected again") } else { false }
        }
    }

    /// Pulls the machine's network cables, or puts them back.
    private func setLinks(_ state: String) async throws {
        let interfaces = try await virsh(["domiflist", domain]).split(separator: "\n")
            .compactMap { $0.split(separator: " ").first.map(String.init) }
        for interface in interfaces { _ = try await virsh(["domif-setlink", domain, interface, state]) }
    }

    private func expectEveryEventOnce() {
        let events = project.recordedEvents()
        #expect(events.map(\.seq) == Array(1...events.count), "an event was lost or repeated")
    }
}
