import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// A bundle made here gives a whole cluster on a machine that has neither Docker nor psql nor any network.
    @Suite(.serialized) struct BundleTests {
        /// What is typed on that machine, after the proof that it reaches nothing.
        private static let script = """
            [ "$(wc -l < /proc/net/route)" -le 1 ]
            if apt-get -o APT::Update::Error-Mode=any -o Acquire::Retries=0 update; then exit 91; fi
            if command -v dockerd || command -v psql; then exit 92; fi
            pgaf-host up --machine local --set failover.profile=fast --bundle bundle.tar --progress plain
            rm bundle.tar
            pgaf-host psql -- -c "CREATE TABLE t (v text)" -c "INSERT INTO t VALUES ('written')"
            pgaf-host status --json > status.json
            pgaf-host up --machine local --set failover.profile=fast --progress json > second.jsonl
            ls -A /var/lib/pgaf
            """

        @Test func aMachineThatReachesNothingGetsItsClusterFromABundle() async throws {
            let directory = try scratchDirectory()
            let here = try PgafProject(directory: "\(directory)/here", yaml: "machine: {kind: local}\n")
            let start = ContinuousClock.now
            let made = try await here.host(["bundle", "create", "--output", "../bundle.tar", "--progress", "none"])
            print("\(made.standardOutput)made in \((ContinuousClock.now - start).brief)")
            let bundle = "\(directory)/bundle.tar"
            try await whatIsDamagedIsRefused(bundle, in: directory)
            let machine = try await BareMachine(in: "\(directory)/machine")
            do {
                try machine.place(bundle, as: "bundle.tar")
                let booted = ContinuousClock.now
                let result = try await machine.run(Self.script) { print("  \($0)") }
                print("a cluster without any network in \((ContinuousClock.now - booted).brief)")
                #expect(result.succeeded, "\(result.lastLines(30))")
                try check("\(directory)/machine/system/srv", result)
            } catch {
                Issue.record(error)
            }
            try await machine.remove()
            try FileManager.default.removeItem(atPath: directory)
        }

        private func check(_ home: String, _ result: CommandResult) throws {
            let status = try Data(contentsOf: URL(filePath: "\(home)/status.json"))
            let state = try JSONDecoder().decode(FormationState.self, from: status)
            #expect(state.healthy && state.nodes.count == 3, "\(state.notes)")
            #expect(!result.standardOutput.contains("Step 1/"), "an image was built")
            // Without the bundle, and with the agent that it left, there is nothing to change.
            let second = try PgafProject.events(String(contentsOfFile: "\(home)/second.jsonl", encoding: .utf8))
            #expect(second.last?.body.type == "result")
            #expect(PgafProject.changedSteps(second) == [])
            let kept = result.standardOutput.split(separator: "\n").suffix(3)
            #expect(kept.contains("clusters") && !kept.contains("bundle"), "\(kept)")
        }

        /// Cut short, or with another byte in it: told, and nothing is there afterwards that was not there before.
        private func whatIsDamagedIsRefused(_ bundle: String, in directory: String) async throws {
            let other = try PgafProject(
                directory: "\(directory)/other", yaml: "cluster: pgaf-refused\nmachine: {kind: local}\n")
            let copy = "\(directory)/other/copy.tar"
            try FileManager.default.copyItem(atPath: bundle, toPath: copy)
            let file = try FileHandle(forUpdating: URL(filePath: copy))
            let length = try file.seekToEnd()
            let middle = length / 2
            try file.seek(toOffset: middle)
            let byte = try #require(try file.read(upToCount: 1)?.first)
            try file.seek(toOffset: middle)
            try file.write(contentsOf: Data([byte ^ 1]))
            try await refuse(other)
            try file.truncate(atOffset: middle)
            try file.close()
            try await refuse(other)
            try FileManager.default.removeItem(atPath: copy)
        }

        private func refuse(_ other: PgafProject) async throws {
            let result = try await other.host(["up", "--bundle", "copy.tar"], expecting: 78)
            #expect(result.standardError.contains("bundle.damaged"), "\(result.standardError)")
            let files = try FileManager.default.contentsOfDirectory(atPath: other.directory)
            #expect(files.sorted() == ["copy.tar", "pgaf.yaml"])
            let containers = try await other.command(
                "docker", ["ps", "--all", "--quiet", "--filter", "label=pgaf.cluster=pgaf-refused"])
            #expect(containers.trimmedOutput == "")
        }
    }
}
