import Foundation
import Shared
import TestSupport
import Testing

@testable import GuestAgent

/// Where the passwords and the authority's key are looked for besides what programs say.
extension ClusterSuite.SecretSearchTests {
    private static let image = Configuration().image.reference

    /// What Docker tells of everything that it has, and of what was done.
    func engine(since start: Int) async throws -> [Said] {
        var said: [Said] = []
        for kind in ["container", "volume", "network", "image"] {
            let all = ["container", "image"].contains(kind) ? ["--all"] : []
            let listed = try await cluster.command("docker", [kind, "ls", "--quiet"] + all).standardOutput
            let names = Set(listed.split(separator: "\n").map(String.init)).sorted()
            #expect(!names.isEmpty, "there is no \(kind)")
            said.append(try await docker([kind, "inspect"] + names))
        }
        for name in TestCluster.containers {
            said.append(try await docker(["logs", name]))
            said.append(try await docker(["top", name, "-eo", "pid,args"]))
        }
        said.append(try await docker(["history", "--no-trunc", Self.image]))
        let events = try await docker(
            ["events", "--since", "\(start)", "--until", "\(Int(Date().timeIntervalSince1970))"])
        // With the whole command lines.
        #expect(events.text.contains("exec_create: "))
        return said + [events]
    }

    private func docker(_ words: [String]) async throws -> Said {
        let result = try await cluster.command("docker", words)
        let place = "docker \(words.prefix(2).joined(separator: " "))"
        #expect(result.succeeded, "\(place): \(result.standardError)")
        return Said(place, result)
    }

    /// The passwords of which a container's own programs make use.
    private func owned(by container: String) -> [String] {
        container == TestCluster.monitor ? [passwords.superuser] : [passwords.monitor, passwords.replication]
    }

    /// In a container only libpq's password file has passwords, its own ones, which lies in memory, and the file that it is
    /// copied from; the authority's key is in none.
    func expectNoneInContainers(_ words: [String]) async throws {
        let allowed: Set = [ContainerLayout.passwordFile, "\(ContainerLayout.secrets)/pgpass"]
        let roots = ["/dev/shm", "/etc", "/run", "/tmp", "/var/tmp"]
        for name in TestCluster.containers {
            let found = try await places(
                of: words, below: roots, by: ["docker", "exec", "--interactive", "--user", "root", name])
            let isAsItShould = found == Dictionary(uniqueKeysWithValues: owned(by: name).map { ($0, allowed) })
            #expect(isAsItShould, "\(name): \(found.values.map { $0.sorted() })")
        }
    }

    /// The layers of the image, unpacked from whatever Docker keeps them in.
    func expectNoneInTheImage(_ words: [String]) async throws {
        // A line of a file that a layer has.
        let entrypoint = ImageFiles(base: "", version: 0, packages: []).entrypoint
        let line = try #require(entrypoint.split(separator: "\n").map(String.init).first { $0.hasPrefix("# ") })
        try await expect(
            line, alone: words, in: "docker save \"$1\" | tar --extract --file=- --to-command='gzip -dcf'",
            [Self.image])
    }

    /// The journal of a machine that has one.
    func expectNoneInTheJournal(_ words: [String], since start: Int) async throws {
        guard FileManager.default.fileExists(atPath: "/run/systemd/journal/socket") else { return }
        try await expect(
            witness, alone: words,
            in: "systemd-cat echo \"$1\" && journalctl --sync && journalctl --since \"@$2\" --output=export",
            [witness, "\(start)"])
    }

    /// A shell's commands print one word, and none of the others.
    private func expect(
        _ word: String, alone others: [String], in commands: String, _ arguments: [String]
    ) async throws {
        let file = try passwords.put((others + [word]).joined(separator: "\n") + "\n", in: "words")
        let search = "grep --text --only-matching --fixed-strings --file=\"$0\" | sort --unique"
        let result = try await cluster.command(
            "sh", ["-c", "\(commands) | \(search)", file] + arguments, environment: ["LC_ALL": "C"])
        let found = result.standardOutput.split(separator: "\n").map(String.init)
        let (isFound, count) = (found.contains(word), found.count { $0 != word })
        #expect(isFound, "the search finds nothing: \(result.standardError)")
        #expect(count == 0, "\(count) secrets are found by `\(commands)`")
    }

    /// Images, volumes, logs, journals and temporary files; the stores that have to have the passwords are told apart, and
    /// so is the one file that has the authority's key.
    func expectNoneInFiles(_ words: [String], key: String) async throws {
        let docker = try await cluster.command("docker", ["info", "--format", "{{.DockerRootDir}}"]).trimmedOutput
        let roots = [
            docker, "/var/lib/containerd", "/var/lib/pgaf", "/run/pgaf", "/var/log", "/run/log", "/var/tmp", "/tmp",
            "/dev/shm", NSTemporaryDirectory(), cluster.directory,
        ]
        var found = try await places(of: words + [witness], below: roots)
        let seen = found.removeValue(forKey: witness) ?? []
        let (engine, own) = (standardized(docker), standardized(cluster.directory) + "/.pgaf")
        let logs = ["\(engine)/containers", "\(engine)/volumes", "/var/lib/pgaf/runs", "/run/pgaf/runs", "\(own)/runs"]
        for log in logs {
            #expect(seen.contains { $0.hasPrefix("\(log)/") }, "the search finds nothing in \(log)")
        }
        let stores = ["\(memory)/secrets.json", "\(own)/secrets.json", "\(own)/pgpass"]
        let scratch = standardized(passwords.scratch.path)
        let handed = TestCluster.containers.flatMap { name in
            owned(by: name).map { [$0, "\(memory)/nodes/\(name)/secrets/pgpass"] }
        }
        func mayHave(_ word: String, _ path: String) -> Bool {
            stores.contains(path) || path.hasPrefix("\(scratch)/") || handed.contains([word, path])
        }
        let keys = (found.removeValue(forKey: key) ?? []).filter { !$0.hasPrefix("\(scratch)/") }
        #expect(keys == [authority], "the authority's key")
        let all = Set(found.values.joined())
        #expect(all.isSuperset(of: stores), "the search does not find all stores")
        let leaks = found.flatMap { word, paths in paths.filter { !mayHave(word, $0) } }
        #expect(leaks == [])
        for path in all.union(keys) where passwords.scratch.mode(path) != 0o600 {
            Issue.record("\(path) may be read by others")
        }
    }

    private func standardized(_ path: String) -> String { URL(filePath: path).standardizedFileURL.path }

    /// Looks through all files below some directories.
    ///
    /// - Parameter prefix: what runs the search elsewhere than here.
    /// - Returns: the paths of the files that have a word, by the word.
    private func places(
        of words: [String], below roots: [String], by prefix: [String] = ["env", "LC_ALL=C"]
    ) async throws -> [String: Set<String>] {
        // What a container sees of its layers is the layers once more.
        let grep = [
            "grep", "--recursive", "--with-filename", "--null", "--only-matching", "--no-messages", "--text",
            "--fixed-strings", "--devices=skip", "--exclude-dir=merged", "--file=-",
        ]
        let line = prefix + grep + roots
        let result = try await cluster.runner.run(
            Command(
                line[0], Array(line.dropFirst()), input: Secret(words.joined(separator: "\n") + "\n"),
                deadline: .seconds(600)))
        var found: [String: Set<String>] = [:]
        for match in result.standardOutput.split(separator: "\n") {
            let parts = match.split(separator: "\0").map(String.init)
            if parts.count == 2 { found[parts[1], default: []].insert(standardized(parts[0])) }
        }
        return found
    }
}
