import Shared
import TestSupport
import Testing

@testable import GuestAgent

@Suite struct PostgresTuningTests {
    private func megabytes(_ settings: [String: String], _ name: String) throws -> Int {
        let value = try #require(settings[name])
        #expect(value.hasSuffix("MB"))
        return try #require(Int(value.dropLast(2)))
    }

    @Test func staysWithinEveryMachine() throws {
        for nodes in 1...16 {
            for memory in [1024, 2048, 6144, 16_384, 65_536, 524_288] {
                for disk in [16_000, 40_000, 400_000, 4_000_000] {
                    let settings = PostgresTuning.node(
                        facts: MachineFacts(memoryMiB: memory, diskMiB: disk), nodes: nodes, overrides: [:])
                    let buffers = try megabytes(settings, "shared_buffers")
                    #expect(nodes * buffers < memory, "\(nodes) nodes on \(memory) MiB")
                    #expect((32...8192).contains(buffers))
                    let wal =
                        try megabytes(settings, "wal_keep_size") + megabytes(settings, "max_wal_size")
                        + megabytes(settings, "max_slot_wal_keep_size")
                    #expect(nodes * wal < disk, "\(nodes) nodes on a disk of \(disk) MiB")
                    let senders = try #require(settings["max_wal_senders"].flatMap { Int($0) })
                    #expect(senders >= max(12, 2 * nodes + 6))
                    #expect(settings["max_replication_slots"] == "\(senders)")
                }
            }
        }
    }

    @Test func theDefaultMachinesWholeSettings() {
        let settings = PostgresTuning.node(facts: MachineFacts(), nodes: 3, overrides: [:])
        #expect(
            settings == [
                "shared_buffers": "433MB", "effective_cache_size": "866MB", "work_mem": "13MB",
                "maintenance_work_mem": "108MB", "wal_keep_size": "333MB", "max_wal_size": "666MB",
                "max_slot_wal_keep_size": "3333MB", "max_wal_senders": "12", "max_replication_slots": "12",
            ])
    }

    @Test(arguments: [(6144, 4608), (6150, 4608), (3072, 2304), (1024, 768), (512, 512)])
    func oneContainerLeavesMemoryToTheOthers(_ memory: Int, _ limit: Int) {
        #expect(PostgresTuning.memoryLimit(MachineFacts(memoryMiB: memory)) == limit)
    }

    @Test func theUsersOwnValuesWin() {
        let settings = PostgresTuning.node(
            facts: MachineFacts(), nodes: 3, overrides: ["shared_buffers": "1GB", "log_statement": "ddl"])
        #expect(settings["shared_buffers"] == "1GB" && settings["log_statement"] == "ddl")
        #expect(settings["work_mem"] == "13MB")
    }

    @Test func textIsSortedAndQuoted() {
        #expect(
            PostgresTuning.text(["b": "it's", "a": #"\t%m \"#]) == #"""
                # Written by pgaf; change pgaf.yaml and run `up` again.
                a = '\\t%m \\'
                b = 'it''s'

                """#)
    }

    /// A quoted value as PostgreSQL's own scanner reads it; nil when the text is not one whole value.
    private func scanned(_ text: some Collection<Unicode.Scalar>) -> String? {
        var rest = Array(text)[...]
        guard rest.popFirst() == "'" else { return nil }
        var value = String.UnicodeScalarView()
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\n": return nil
            case "\\":
                guard let next = rest.popFirst() else { return nil }
                value.append(next == "n" ? "\n" : next)
            case "'":
                guard rest.first == "'" else { return rest.isEmpty ? String(value) : nil }
                rest.removeFirst()
                value.append("'")
            default: value.append(scalar)
            }
        }
        return nil
    }

    @Test func everyValueComesBackAsItWasGiven() throws {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            let value = random.hostileText()
            let lines = PostgresTuning.text(["x": value]).unicodeScalars.split(separator: "\n")
            try #require(lines.count == 2, "\(value.debugDescription) broke its line")
            let found = scanned(lines[1].dropFirst(4))
            #expect(found.map { Array($0.utf8) } == Array(value.utf8), "\(value.debugDescription)")
        }
    }
}

@Suite struct FailoverTimingsTests {
    @Test func theDefaultProfileLeavesTheMonitorAsItIs() {
        let timings = FailoverTimings(FailoverSettings(), isSlow: false)
        #expect(timings.monitorSettings.isEmpty)
        #expect(timings.partitionTimeout == 20)
        #expect(
            PostgresTuning.monitor(timings)
                == ["shared_buffers": "32MB", "wal_keep_size": "0", "max_wal_size": "128MB"])
    }

    @Test func theFastProfileAndAValueOfOnesOwn() {
        var settings = FailoverSettings()
        settings.profile = .fast
        settings.unhealthyAfter = 1500
        let timings = FailoverTimings(settings, isSlow: false)
        let found = Dictionary(uniqueKeysWithValues: timings.monitorSettings.map { ($0.name, $0.value) })
        #expect(
            found == [
                "pgautofailover.health_check_period": 1000, "pgautofailover.health_check_timeout": 1000,
                "pgautofailover.health_check_retry_delay": 500, "pgautofailover.health_check_max_retries": 2,
                "pgautofailover.node_considered_unhealthy_timeout": 1500,
                "pgautofailover.primary_demote_timeout": 6000, "pgautofailover.startup_grace_period": 10000,
            ])
        #expect(timings.partitionTimeout == 5)
    }

    @Test func aSlowMachineIsGivenTimeUnlessOneWantsItFast() {
        let patient = FailoverTimings(FailoverSettings(), isSlow: true)
        let found = Dictionary(uniqueKeysWithValues: patient.monitorSettings.map { ($0.name, $0.value) })
        #expect(found["pgautofailover.health_check_timeout"] == 20_000)
        #expect(found["pgautofailover.node_considered_unhealthy_timeout"] == 60_000)
        #expect(throws: Never.self) { try patient.validate() }
        var settings = FailoverSettings()
        settings.profile = .fast
        #expect(FailoverTimings(settings, isSlow: true) == FailoverTimings(settings, isSlow: false))
    }

    @Test func oneValueAloneUnderTheDefaultProfile() {
        var settings = FailoverSettings()
        settings.demoteTimeout = 9000
        settings.partitionTimeout = 8
        let timings = FailoverTimings(settings, isSlow: false)
        #expect(timings.monitorSettings.map(\.name) == ["pgautofailover.primary_demote_timeout"])
        #expect(timings.partitionTimeout == 8 && timings != FailoverTimings(FailoverSettings(), isSlow: false))
    }

    @Test func theSlowestPromiseIsKept() {
        // A primary that is cut off must have given up before another one is promoted.
        var fast = FailoverSettings()
        fast.profile = .fast
        let timings = FailoverTimings(fast, isSlow: true)
        let demote = timings.monitorSettings.first { $0.name == "pgautofailover.primary_demote_timeout" }?.value ?? 0
        #expect(demote >= timings.partitionTimeout * 1000)
    }
}
