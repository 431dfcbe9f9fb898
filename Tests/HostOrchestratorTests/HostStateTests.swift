import Foundation
import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

/// Locks, run directories: what the host keeps and who may use it.
@Suite struct HostStateTests {
    private let scratch = ScratchDirectory()

    @Test func oneProgramWorksOnADirectoryAtATime() throws {
        try scratch.project.prepare()
        var first: ProjectLock? = try ProjectLock.now(scratch.project, verb: "up")
        let run = try #require(first?.run)
        #expect(RunIdentifier.isOne(run))
        let error = #expect(throws: PgafError.self) { try ProjectLock.now(scratch.project, verb: "destroy") }
        #expect(error?.code == .clusterLocked)
        #expect(error?.code.exitCode == 75)
        let words = "run \(run), pid \(ProcessInfo.processInfo.processIdentifier), `pgaf-host up`, since 2"
        #expect(error?.message.contains(words) == true)
        withExtendedLifetime(first) {}
        first = nil
        _ = try ProjectLock.now(scratch.project, verb: "destroy")
    }

    @Test func whoeverWaitsIsToldForWhom() async throws {
        try scratch.project.prepare()
        var first: ProjectLock? = try ProjectLock.now(scratch.project, verb: "up")
        let run = try #require(first?.run)
        var told: [String] = []
        let second = try await ProjectLock.take(scratch.project, verb: "up", waiting: true) { words in
            told.append(words)
            withExtendedLifetime(first) {}
            first = nil
        }
        #expect(told.count == 1 && told.first?.hasPrefix("waiting for the end of run \(run), pid ") == true)
        #expect(second.run != run)
        withExtendedLifetime(second) {}
    }

    @Test func onlyARunThatGoesToTheMachineIsToBeFollowed() throws {
        try scratch.project.prepare()
        let verbs = [("up", true), ("maintenance enable", true), ("box build", false), ("bundle create", false)]
        for (verb, isFollowed) in verbs {
            let lock = try ProjectLock.now(scratch.project, verb: verb)
            let error = #expect(throws: PgafError.self) { try ProjectLock.now(scratch.project, verb: "up") }
            #expect(error?.remedy.contains("pgaf-host attach") == isFollowed, "\(verb)")
            #expect(error?.remedy.contains("pgaf-host up --wait") == true)
            let holder = ProjectLock.followed(in: scratch.project)
            #expect(holder?.run == (isFollowed ? lock.run : nil) && holder?.verb == (isFollowed ? verb : nil))
            withExtendedLifetime(lock) {}
        }
        for words in ["", "run x, pid 1, `pgaf-host up`, since 2"] { #expect(ProjectLock.Holder(words: words) == nil) }
    }

    @Test func theLockNamesTheRunWhoseLogsAreWritten() async throws {
        let host = TestHost(ScriptedMachine())
        let project = host.scratch.project
        let (words, log) = try await RecordedRun.perform("up", progress: .plain, in: host.context()) { active in
            (FileLock.holder(project.lock), RunResult(status: .ok))
        }
        let run = try #require(MachineFiles().list(project.runs).last)
        #expect(words?.hasPrefix("run \(run), pid ") == true)
        #expect(log == project.run(run))
    }

    @Test func onlyTheLastTwentyRunsAreKept() throws {
        try scratch.project.prepare()
        try MachineFiles().makeDirectory("\(scratch.project.runs)/00-notes")
        for day in 10..<35 {
            let id = RunIdentifier.new(at: Date(timeIntervalSince1970: Double(day) * 86_400), random: 7)
            let run = try RunDirectory(in: scratch.project, id: id)
            try MachineFiles().write("x", to: run.events)
        }
        let names = MachineFiles().list(scratch.project.runs)
        #expect(names.contains("00-notes"))
        #expect(names.last == "19700204T000000000Z-00000007")
        #expect(names.count(where: RunIdentifier.isOne) == 20)

        // The clock has been set back: the newest run sorts before all others, and is there all the same.
        let early = RunIdentifier.new(at: Date(timeIntervalSince1970: 86_400), random: 7)
        try MachineFiles().write("x", to: RunDirectory(in: scratch.project, id: early).events)
        #expect(MachineFiles().list(scratch.project.runs).contains(early))
    }

    @Test func newRunsSortByTime() {
        let now = Date()
        #expect(RunIdentifier.new(at: now) < RunIdentifier.new(at: now.addingTimeInterval(0.01)))
        #expect(RunIdentifier.isOne(RunIdentifier.new()))
    }

    @Test func aLogStopsGrowingAtItsLimit() throws {
        let path = "\(scratch.path)/log"
        let log = try LogFile(path, limit: 20)
        for _ in 0..<5 { try log.add("123456789") }
        #expect(scratch.text(path) == "123456789\n… the log is full, the rest is left out\n")
    }

    @Test func theAgentIsFoundBesideTheProgramOrInTheCheckout() throws {
        func locate(_ executable: String, _ there: String, _ environment: [String: String] = [:]) throws -> String {
            try AgentBinary.locate(executable: executable, environment: environment) { $0 == there }
        }
        for (executable, agent) in [
            ("/usr/local/bin/pgaf-host", "/usr/local/bin/pgaf-agent"),
            ("/usr/local/bin/pgaf-host", "/usr/local/libexec/pgaf/pgaf-agent"),
            (
                "/home/u/pgaf/.build/x86_64-unknown-linux-gnu/debug/pgaf-host",
                "/home/u/pgaf/.build-agent/x86_64-unknown-linux-gnu/release/pgaf-agent"
            ),
            ("/home/u/pgaf/.build/debug/pgaf-host", "/home/u/pgaf/.build-agent/release/pgaf-agent"),
        ] {
            #expect(try locate(executable, agent) == agent)
        }
        #expect(try locate("/bin/pgaf-host", "/x/agent", ["PGAF_AGENT": "/x/agent"]) == "/x/agent")
        let error = #expect(throws: PgafError.self) { try locate("/usr/bin/pgaf-host", "/none") }
        #expect(error?.code == .agentMissing)
        #expect(error?.remedy.contains("make build") == true)
    }

    @Test func inACheckoutTheStaticAgentIsPreferredToTheOrdinaryBuild() {
        let candidates = AgentBinary.candidates(executable: "/p/.build/debug/pgaf-host")
        let native = candidates.firstIndex(of: "/p/.build/debug/pgaf-agent")
        let portable = candidates.firstIndex(of: "/p/.build-agent/release/pgaf-agent")
        #expect(native != nil && portable != nil && (portable ?? 0) < (native ?? 0))
    }
}
