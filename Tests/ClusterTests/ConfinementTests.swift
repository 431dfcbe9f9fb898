import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// What a container may do, as Docker shows it and as the kernel has it.
    @Suite(.serialized) struct ConfinementTests {
        private let cluster: PgafProject

        init() throws { cluster = try TestCluster.local() }

        /// In the order of docs/security.md, and as bits (capabilities(7): 0, 1, 3, 5, 6 and 7).
        private static let capabilities = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"]
        private static let bits = "00000000000000eb"
        private static let processes = 4096

        /// Questions to `docker inspect` and their answers; the memory's limit is asked for first.
        private func answers(port: Int) -> [(question: String, answer: String)] {
            let added = Self.capabilities.map { "\"\($0)\"" }.joined(separator: ",")
            return [
                ("{{json .HostConfig.Privileged}}", "false"),
                ("{{json .HostConfig.CapDrop}}", #"["ALL"]"#),
                ("{{json .HostConfig.CapAdd}}", "[\(added)]"),
                ("{{json .HostConfig.SecurityOpt}}", #"["no-new-privileges"]"#),
                ("{{json .HostConfig.PidsLimit}}", "\(Self.processes)"),
                ("{{json .HostConfig.ReadonlyRootfs}}", "true"),
                ("{{range .Mounts}}{{if .RW}}{{.Destination}}{{end}}{{end}}", "/var/lib/pgaf"),
                ("{{json .Config.Healthcheck.Test}}", #"["CMD-SHELL","pg_isready --quiet"]"#),
                ("{{json .NetworkSettings.Ports}}", #"{"5432/tcp":[{"HostIp":"127.0.0.1","HostPort":"\#(port)"}]}"#),
            ]
        }

        @Test func everyContainerIsConfinedAsThePageSays() async throws {
            _ = try await cluster.up()
            let page = try String(contentsOfFile: "\(PgafProject.root)/docs/security.md", encoding: .utf8)
            let named = Self.capabilities.map { "`\($0)`" }.joined(separator: ", ")
            #expect(page.contains("all capabilities but six (\(named)"))
            #expect(page.contains("\(Self.processes) processes"))
            let text = try String(contentsOfFile: "/proc/meminfo", encoding: .utf8)
            let memory = try #require(text.firstMatch(of: /MemTotal: +(\d+) kB/).flatMap { Int($0.1) }) * 1024
            for (name, port) in zip(TestCluster.containers, [TestCluster.monitorPort] + TestCluster.ports) {
                let expected = answers(port: port)
                let format = (["{{.HostConfig.Memory}}"] + expected.map(\.question)).joined(separator: "\n")
                let shown = try await cluster.command("docker", ["container", "inspect", "--format", format, name])
                // Engines differ in the names that they show.
                let lines = shown.trimmedOutput.replacing("\"CAP_", with: "\"").split(separator: "\n").map(String.init)
                #expect(Array(lines.dropFirst()) == expected.map(\.answer), "\(name): \(shown.standardError)")
                let limit = try #require(lines.first.flatMap { Int($0) })
                #expect(limit > memory / 2 && limit <= memory / 4 * 3, "\(name): \(limit) of \(memory)")
                #expect(try await whatTheKernelSays(name) == ["CapBnd:\t\(Self.bits)", "NoNewPrivs:\t1", "read-only"])
            }
        }

        /// What all processes of a container have in common, and what becomes of a file outside of its volume.
        private func whatTheKernelSays(_ container: String) async throws -> [String] {
            let script = """
                grep -sh -e ^CapBnd: -e ^NoNewPrivs: /proc/[0-9]*/status | sort -u
                touch /usr/probe 2>&1 | grep -q 'Read-only file system' && echo read-only
                """
            let said = try await cluster.command("docker", ["exec", container, "bash", "-c", script])
            return said.standardOutput.split(separator: "\n").map(String.init)
        }
    }
}
