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
            // Beside the bundle: each keeps one processor busy.
            async let bare = BareMachine(in: "\(directory)/machine")
            let here = try PgafProject(directory: "\(directory)/here", yaml: "machine: {kind: local}\n")
            let start = ContinuousClock.now
            let made = try await here.host(["bundle", "create", "--output", "../bundle.tar", "--progress", "none"])
            print("\(made.standardOutput)made in \((ContinuousClock.now - start).brief)")
            let bundle = "\(directory)/bundle.tar"
            try await whatIsDamagedOrForOthersIsRefused(bundle, in: directory)
            let machine = try await bare
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

        /// Of another release, for another architecture, cut short, or with another byte in it: told, and nothing is there
        /// afterwards that was not there before.
        private func whatIsDamagedOrForOthersIsRefused(_ bundle: String, in directory: String) async throws {
            let other = try PgafProject(
                directory: "\(directory)/other", yaml: "cluster: pgaf-refused\nmachine: {kind: local}\n")
            let copy = "\(directory)/other/copy.tar"
            try FileManager.default.copyItem(atPath: bundle, toPath: copy)
            let file = try FileHandle(forUpdating: URL(filePath: copy))
            let own = try rewrite(file, "pgaf", "0.0.9")
            try await refuse(other, "bundle.unfit", "The bundle was packed by pgaf 0.0.9")
            try put(own, in: file)
            _ = try rewrite(file, "architecture", "s390x")
            try await refuseForTheMachine(other)
            try put(own, in: file)
            let length = try file.seekToEnd()
            let middle = length / 2
            try file.seek(toOffset: middle)
            let byte = try #require(try file.read(upToCount: 1)?.first)
            try file.seek(toOffset: middle)
            try file.write(contentsOf: Data([byte ^ 1]))
            try await refuse(other, "bundle.damaged", "is not what was packed")
            try file.truncate(atOffset: middle)
            try file.close()
            try await refuse(other, "bundle.damaged", "it ends in the middle of")
            try FileManager.default.removeItem(atPath: copy)
        }

        /// Packs a bundle again with another manifest, which is no longer than its own: all else stays where it is.
        ///
        /// - Returns: its own one.
        private func rewrite(_ file: FileHandle, _ key: String, _ value: String) throws -> Data {
            // The first header of a tar file, with the size in octal digits.
            try file.seek(toOffset: 0)
            let header = [UInt8](try #require(try file.read(upToCount: 512)))
            let size = try #require(Int(String(decoding: header[124..<135], as: UTF8.self), radix: 8))
            let own = try #require(try file.read(upToCount: size))
            var manifest = try #require(try JSONSerialization.jsonObject(with: own) as? [String: Any])
            try #require(manifest[key] as? String != value && manifest[key] is String)
            manifest[key] = value
            let changed = try JSONSerialization.data(withJSONObject: manifest, options: .withoutEscapingSlashes)
            try #require(changed.count <= size)
            try put(changed + Data(repeating: UInt8(ascii: " "), count: size - changed.count), in: file)
            return own
        }

        private func put(_ manifest: Data, in file: FileHandle) throws {
            try file.seek(toOffset: 512)
            try file.write(contentsOf: manifest)
        }

        /// Only the machine says what it is: until then the run has its record, and neither passwords nor an agent.
        private func refuseForTheMachine(_ other: PgafProject) async throws {
            let result = try await other.host(["up", "--bundle", "copy.tar"], expecting: 78)
            let words = ["bundle.unfit", "The bundle is for s390x, the machine is "]
            #expect(words.allSatisfy(result.standardError.contains), "\(result.standardError)")
            let memory = "\(other.directory)/.pgaf"
            let left = Set(try FileManager.default.contentsOfDirectory(atPath: memory))
            #expect(left.isSubset(of: [".gitignore", "lock", "runs"]), "\(left)")
            try FileManager.default.removeItem(atPath: memory)
            try await expectNothing(of: other)
        }

        private func refuse(_ other: PgafProject, _ words: String...) async throws {
            let result = try await other.host(["up", "--bundle", "copy.tar"], expecting: 78)
            #expect(words.allSatisfy(result.standardError.contains), "\(result.standardError)")
            try await expectNothing(of: other)
        }

        private func expectNothing(of other: PgafProject) async throws {
            let files = try FileManager.default.contentsOfDirectory(atPath: other.directory)
            #expect(files.sorted() == ["copy.tar", "pgaf.yaml"])
            #expect(!FileManager.default.fileExists(atPath: "/var/lib/pgaf/clusters/pgaf-refused"))
            let containers = try await other.command(
                "docker", ["ps", "--all", "--quiet", "--filter", "label=pgaf.cluster=pgaf-refused"])
            #expect(containers.trimmedOutput == "")
        }
    }
}
