import Foundation
import Shared

@testable import GuestAgent

/// What Docker's engine knows and does.
extension FakeCluster {
    /// What `docker` prints for a command line; status 64 for one that it does not know.
    func docker(_ command: Command, _ memory: inout Memory) -> CommandResult {
        let words = command.arguments
        guard memory.engine else { return Self.no }
        if words[0] == "exec" { return exec(words, command.input?.revealed ?? "", &memory) }
        return inspect(words, memory) ?? list(words, memory) ?? make(words, &memory) ?? alter(words, &memory)
            ?? CommandResult(status: 64, standardError: "unknown: \(command.display)")
    }

    /// nil for what is no look at named objects, or at the engine itself.
    private func inspect(_ words: [String], _ memory: Memory) -> CommandResult? {
        switch (words[0], words.dropFirst().first ?? "") {
        case ("version", _), ("info", _): return Self.ok("27.5.1")
        case ("container", "inspect"): return objects(words) { memory.containers[$0].map(container) }
        case ("image", "inspect"):
            if words[2] == "--format" {
                return words.dropFirst(2).contains { memory.images[$0] != nil } ? Self.ok("sha256:1") : Self.no
            }
            return objects(words) { name in memory.images[name].map { image(name, $0) } }
        case ("network", "inspect"):
            guard let labels = memory.networks[words.last ?? ""] else { return Self.no }
            if words.contains(where: { $0.contains(".Containers") }) { return Self.ok() }
            return Self.ok(words.count > 3 ? subnet : #"[{"Labels":\#(json(labels))}]"#)
        case ("volume", "inspect"):
            return objects(words) { name in
                memory.volumes[name].map { #"{"Name":"\#(name)","Labels":\#(json($0))}"# }
            }
        default: return nil
        }
    }

    /// The objects that are named after the first two words; status 1 when one of them is not there.
    private func objects(_ words: [String], _ object: (String) -> String?) -> CommandResult {
        let found = words.dropFirst(2).compactMap(object)
        return CommandResult(
            status: found.count == words.count - 2 ? 0 : 1, standardOutput: "[\(found.joined(separator: ","))]\n")
    }

    private func container(_ status: ContainerStatus) -> String {
        #"{"Name":"/\#(status.name)","State":{"Status":"\#(status.status)","Running":\#(status.running),"ExitCode":0},"#
            + #""HostConfig":{"RestartPolicy":{"Name":"\#(status.restartPolicy ?? "unless-stopped")"}},"#
            + #""Config":{"Labels":\#(json(status.labels))}}"#
    }

    private func image(_ reference: String, _ labels: [String: String]) -> String {
        #"{"Id":"sha256:1","RepoTags":["\#(reference)"],"Config":{"Labels":\#(json(labels))}}"#
    }

    private func json(_ labels: [String: String]) -> String {
        (try? JSONEncoder().encode(labels)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    /// nil for what asks for no names.
    private func list(_ words: [String], _ memory: Memory) -> CommandResult? {
        let wanted = words.filter { $0.hasPrefix("label=") }.map { $0.dropFirst(6) }
        func isMeant(_ labels: [String: String]) -> Bool {
            wanted.allSatisfy { label in labels.contains { "\($0.key)=\($0.value)" == label } }
        }
        var found: [String]
        switch (words[0], words.dropFirst().first ?? "") {
        case ("volume", "ls"): found = memory.volumes.filter { isMeant($0.value) }.keys.sorted()
        case ("ps", _):
            found = memory.containers.values.filter { isMeant($0.labels) }.map(\.name).sorted()
            if let volume = words.first(where: { $0.hasPrefix("volume=") })?.dropFirst(7) {
                // Every container of the fake has the volume of its usual name.
                found = memory.containers.keys.filter { "\($0)_data" == volume }
            }
        default: return nil
        }
        return Self.ok(found.joined(separator: "\n"))
    }

    /// nil for what makes nothing.
    private func make(_ words: [String], _ memory: inout Memory) -> CommandResult? {
        let last = words.last ?? ""
        switch (words[0], words.dropFirst().first ?? "") {
        case ("network", "create"): memory.networks[last] = labels(words)
        case ("volume", "create"): memory.volumes[last] = labels(words)
        case ("import", _):
            let hash = words.first { $0.hasPrefix("LABEL pgaf.hash=") }?.dropFirst(16)
            memory.images[last] = [Label.hash: String(hash ?? "")]
        case ("load", _):
            let files = TestMachine.topology().imageFiles()
            memory.images = [
                BaseSystem.image: [Label.hash: BaseImageStep.hash],
                "pgaf/pg_auto_failover:latest": [Label.hash: files.hash(baseIdentifier: "sha256:1")],
            ]
        case ("build", _):
            memory.images[words[words.count - 2]] = labels(words)
            return Self.ok("Step 1/2 : FROM x\nStep 2/2 : CMD y")
        case ("run", "--rm"):
            let node = words.firstIndex(of: "--volumes-from").map { words[$0 + 1] } ?? ""
            if last.contains("rm -rf") { memory.remains[node] = nil }
            return Self.ok(memory.remains[node] ?? "")
        case ("run", _):
            let name = words[3]
            memory.containers[name] = ContainerStatus(
                name: name, status: "running", running: true, labels: labels(words))
            if name != monitor, !memory.registered.contains(name) { memory.registered.append(name) }
        default: return nil
        }
        return Self.ok()
    }

    private func labels(_ arguments: [String]) -> [String: String] {
        var labels: [String: String] = [:]
        for (flag, value) in zip(arguments, arguments.dropFirst()) where flag == "--label" {
            let parts = value.split(separator: "=", maxSplits: 1).map(String.init)
            labels[parts[0]] = parts[1]
        }
        return labels
    }

    /// nil for what changes and removes nothing.
    private func alter(_ words: [String], _ memory: inout Memory) -> CommandResult? {
        let last = words.last ?? ""
        switch (words[0], words.dropFirst().first ?? "") {
        case ("volume", "rm"): memory.volumes[last] = nil
        case ("update", _): break
        case ("start", _):
            for name in words.dropFirst() {
                memory.containers[name]?.status = "running"
                memory.containers[name]?.running = true
                // A node that the monitor does not know registers by itself.
                if memory.remains[name] != nil, !memory.registered.contains(name) { memory.registered.append(name) }
            }
        case ("unpause", let name): memory.containers[name]?.status = "running"
        case ("restart", let name):
            memory.restarts.append(name)
            memory.heldBack[name] = nil
            memory.lostConfigurations.remove(name)
            if name != monitor, !memory.registered.contains(name) { memory.registered.append(name) }
        case ("stop", _):
            for name in words.dropFirst() { memory.containers[name]?.running = false }
        case ("kill", _):
            memory.containers[last]?.status = "exited"
            memory.containers[last]?.running = false
            // Another node takes over from a primary.
            if last == memory.registered.first { memory.registered.append(memory.registered.removeFirst()) }
        case ("rm", _): memory.containers[last] = nil
        default: return nil
        }
        return Self.ok()
    }
}
