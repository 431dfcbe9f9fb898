import Shared
import TestSupport
import Testing

@testable import GuestAgent

@Suite struct FileDifferenceTests {
    private func settings(_ old: [String: String], _ new: [String: String]) -> [String] {
        FileDifference.lines(
            "n", "postgresql.conf", from: PostgresTuning.text(old), to: PostgresTuning.text(new))
    }

    private func rules(_ old: [String], _ new: [String]) -> [String] {
        FileDifference.lines(
            "n", "pg_hba.conf", from: old.joined(separator: "\n"), to: new.joined(separator: "\n"))
    }

    @Test func settingsAreComparedByName() {
        let old = ["shared_buffers": "128MB", "work_mem": "4MB", "wal_keep_size": "0"]
        #expect(settings(old, old).isEmpty)
        #expect(
            settings(old, ["shared_buffers": "256MB", "wal_keep_size": "0", "log_line_prefix": "%m [%p] "]) == [
                "n, postgresql.conf: + log_line_prefix '%m [%p] '",
                "n, postgresql.conf: shared_buffers 128MB → 256MB",
                "n, postgresql.conf: - work_mem 4MB",
            ])
        #expect(settings(["a": ""], ["a": "x"]) == ["n, postgresql.conf: a '' → x"])
    }

    @Test func aFileThatSomebodyEditedIsComparedByLine() {
        let wanted = PostgresTuning.text(["work_mem": "4MB"])
        let lines = FileDifference.lines("n", "postgresql.conf", from: wanted + "fsync off\n", to: wanted)
        #expect(lines == ["n, postgresql.conf: - fsync off"])
    }

    @Test func linesGoAndCome() {
        let old = [
            "# pgaf", "local  all  all  peer", "hostssl  all  \"a\"  0.0.0.0/0  scram-sha-256", "host all reject",
        ]
        var new = old
        new[2] = "hostssl  all  \"a\"  10.0.0.0/8  scram-sha-256"
        #expect(rules(old, old).isEmpty)
        #expect(
            rules(old, new) == [
                "n, pg_hba.conf: - hostssl all \"a\" 0.0.0.0/0 scram-sha-256",
                "n, pg_hba.conf: + hostssl all \"a\" 10.0.0.0/8 scram-sha-256",
            ])
    }

    @Test func aRuleThatMovesIsADifference() {
        #expect(rules(["a", "b", "c"], ["b", "c", "a"]) == ["n, pg_hba.conf: - a", "n, pg_hba.conf: + a"])
    }

    @Test func whatChangesNoMeaningStillCounts() {
        // `up` writes the file, so a plan must not be silent about it.
        #expect(rules(["a  b"], ["a b"]) == ["n, pg_hba.conf: write it in its proper form"])
        #expect(
            FileDifference.lines("n", "pg_ident.conf", from: nil, to: "x\n")
                == ["n, pg_ident.conf: write it, it is missing"])
    }

    @Test func anyChangeOfRealFilesIsSeen() {
        var random = SeededGenerator(seed: 5)
        let text = TestMachine.topology().nodeFiles["postgresql.conf"] ?? ""
        for _ in 0..<300 {
            var bytes = Array(text.utf8)
            bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(ascii: "z")
            let other = String(decoding: bytes, as: UTF8.self)
            #expect(FileDifference.lines("n", "postgresql.conf", from: other, to: text).isEmpty == (other == text))
        }
    }
}
