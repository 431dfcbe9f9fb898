import Foundation
import Shared

extension VagrantMachine {
    /// What the running machine has otherwise than the settings say and takes up only when it is started anew:
    /// `memory 3072 → 4096 MiB`, `cpus 2 → 4`; empty when there is nothing of that kind.
    func resizing(_ provider: VagrantProvider) async throws -> [String] {
        let has = try await size(provider)
        return difference("memory", has.memory, settings.memory, " MiB")
            + difference("cpus", has.cpus, settings.cpus, "")
    }

    private func difference(_ name: String, _ old: Int?, _ new: Int, _ unit: String) -> [String] {
        guard let old, old != new else { return [] }
        return ["\(name) \(old) → \(new)\(unit)"]
    }

    /// In words, for the plan and while it is done.
    func reloading(_ sizes: [String]) -> String {
        "reload the virtual machine \"\(settings.name)\": \(sizes.joined(separator: ", "))"
    }

    /// What the machine was started with: asked of its provider, since a Vagrantfile that was written before a reload
    /// which never came looks as if all were done. Where the provider does not say it, the Vagrantfile as it lies there.
    private func size(_ provider: VagrantProvider) async throws -> MachineSize {
        let written = VagrantfileDifference.values(try MachineFiles().read(project.vagrantfile) ?? "")
        var size = MachineSize(memory: written["memory"].flatMap { Int($0) }, cpus: written["cpus"].flatMap { Int($0) })
        guard let id = try MachineFiles().read(provider.dataDirectory(in: project) + "/id")?.trimmed, !id.isEmpty,
            let answer = try? await runner.run(MachineSize.question(provider, id)), answer.succeeded
        else { return size }
        let told = MachineSize(provider, answer.standardOutput)
        size.memory = told.memory ?? size.memory
        size.cpus = told.cpus ?? size.cpus
        return size
    }

    /// Starts a running machine anew with other sizes, its cluster at rest.
    ///
    /// - Throws: what `rest` throws, before anything is changed; `vagrant.failed`, after which `bringUp` starts the machine.
    func reload(
        _ sizes: [String], _ provider: VagrantProvider, _ reporter: VagrantReporter,
        _ rest: @Sendable () async throws -> Void
    ) async throws {
        await reporter.say("stopping the cluster, to \(reloading(sizes))")
        try await rest()
        try await render(provider, .reloading, reporter)
        await reporter.say(reloading(sizes))
        try await change(VagrantCommand.reload(in: project.path), provider, reporter)
    }
}

/// How large a virtual machine is, in its provider's words; nil for what it does not say.
struct MachineSize: Sendable, Equatable {
    /// MiB.
    var memory: Int?
    var cpus: Int?

    init(memory: Int?, cpus: Int?) {
        self.memory = memory
        self.cpus = cpus
    }

    /// - Parameter id: the machine's as Vagrant keeps it.
    static func question(_ provider: VagrantProvider, _ id: String) -> Command {
        switch provider {
        case .libvirt:
            Command(
                "virsh", ["--connect", "qemu:///system", "dominfo", "--domain", id], environment: ["LC_ALL": "C"],
                deadline: .seconds(60))
        case .virtualbox:
            Command("VBoxManage", ["showvminfo", id, "--machinereadable"], deadline: .seconds(60))
        }
    }

    /// Reads `CPU(s):         2`, `Max memory:     3145728 KiB`, or `memory=3072`, `cpus=2`.
    init(_ provider: VagrantProvider, _ answer: String) {
        let separator: Character = provider == .libvirt ? ":" : "="
        var values: [String: Int] = [:]
        for line in answer.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: separator, maxSplits: 1)
            guard parts.count == 2,
                let number = parts[1].split(whereSeparator: \.isWhitespace).first.flatMap({ Int($0) })
            else { continue }
            values[String(parts[0]).trimmed] = number
        }
        switch provider {
        case .libvirt:
            memory = values["Max memory"].map { $0 / 1024 }
            cpus = values["CPU(s)"]
        case .virtualbox:
            memory = values["memory"]
            cpus = values["cpus"]
        }
    }
}
