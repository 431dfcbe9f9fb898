import Foundation
import Shared

extension VagrantMachine {
    public func bringUp(
        reporting progress: any ProgressSink, rest: (@Sendable () async throws -> Void)?
    ) async throws -> Bool {
        let reporter = VagrantReporter(progress, logFile: logFile)
        try refuseForeignVagrantfile()
        try VagrantProvider.check(settings.provider, in: project)
        let provider = try await provider()
        try await awakenProvider { await reporter.say($0) }
        if provider == .libvirt { await Libvirt(runner: runner).openAcceleration { await reporter.say($0) } }
        var state = try await state()
        if state != "not_created", isUnfinished {
            try await removeUnfinished(provider, reporter)
            state = "not_created"
        }
        if state == "running" {
            if let rest, case let sizes = try await resizing(provider), !sizes.isEmpty {
                try await reload(sizes, provider, reporter, rest)
                return true
            }
            _ = try await restoredPorts()
            try await render(provider, .running, reporter)
            return false
        }
        if state == "not_created" {
            try resources.requireDisk([boxes.vagrantHome, await provider.disks(runner)])
        }
        if provider == .libvirt, settings.box == nil, state == "not_created" {
            _ = try await boxes.build(reporting: progress)
        }
        // A machine that is about to be made has no known host keys yet; those of one that was destroyed by hand would
        // only look like an attack.
        if state == "not_created" {
            try VagrantKnownHosts(project: project, provider: provider).remove()
            try project.prepare()
            try MachineFiles().write("\(provider.rawValue)\n", to: project.unfinishedMachine)
        }
        try await render(provider, .starting, reporter)
        await reporter.say("starting Vagrant (\(provider.rawValue))")
        try await change(VagrantCommand.up(provider, in: project.path), provider, reporter)
        try MachineFiles().remove(project.unfinishedMachine)
        return true
    }

    /// Whether the first `vagrant up` was interrupted or failed: nothing of pgaf's can be in the machine yet, and it may lack
    /// its private network, and let everybody in with Vagrant's well-known key.
    var isUnfinished: Bool { MachineFiles().exists(project.unfinishedMachine) }

    private func removeUnfinished(_ provider: VagrantProvider, _ reporter: VagrantReporter) async throws {
        await reporter.say("removing the machine whose making was interrupted; it is made anew")
        try await change(VagrantCommand.destroy(in: project.path), provider, reporter)
        try MachineFiles().remove(project.knownHosts)
    }

    /// Has Vagrant do something with the machine, whose address, key and ports may be others afterwards.
    ///
    /// - Throws: what Vagrant's last lines mean.
    func change(_ command: Command, _ provider: VagrantProvider, _ reporter: VagrantReporter) async throws {
        let result = try await runner.run(command) { await reporter.take($0) }
        await memory.forget()
        guard result.succeeded else {
            throw VagrantFailure.error(provider: provider, lines: await reporter.tail, logFile: logFile)
        }
    }

    /// What becomes of the machine once the Vagrantfile is written.
    enum Course: Sendable {
        case starting, running, reloading
    }

    /// Writes the Vagrantfile if it would differ; keeps the ports of a running machine, finds free ones for another.
    func render(_ provider: VagrantProvider, _ course: Course, _ reporter: VagrantReporter) async throws {
        let forwards = try await forwards(provider, course)
        for forward in forwards where forward.host != forward.guest {
            await reporter.say("port \(forward.guest) of the machine is port \(forward.host) here")
        }
        let emulated = provider == .libvirt ? try await emulation(reporter) : false
        let file = Vagrantfile(settings: settings, provider: provider, forwards: forwards, emulated: emulated)
        guard try MachineFiles().read(project.vagrantfile) != file.text else { return }
        try MachineFiles().write(file.text, to: project.vagrantfile, mode: 0o644)
        if course == .running { await reporter.say("the changed Vagrantfile takes effect with `vagrant reload`") }
    }

    /// The ports of a running machine as they are, free ones for those that it does not forward yet when it is started.
    func forwards(_ provider: VagrantProvider, _ course: Course) async throws -> [Vagrantfile.Forward] {
        var live = course == .starting ? [:] : try await forwardedPorts()
        if course == .running { live.merge(try recordedPorts()) { live, _ in live } }
        var taken: Set<Int> = []
        return ports.map { port in
            // VirtualBox corrects by itself; vagrant-libvirt ignores auto_correct, and its ssh would just end.
            let free = provider == .libvirt && course != .running
            let host = live[port] ?? (free ? LocalPort.choose(port, taken: taken) : port)
            taken.insert(host)
            return .init(guest: port, host: host)
        }
    }

    private func emulation(_ reporter: VagrantReporter) async throws -> Bool {
        if let made = try emulatedAsMade() { return made }
        try? FileManager.default.createDirectory(atPath: boxes.cacheHome, withIntermediateDirectories: true)
        let usable = await LibvirtAcceleration(runner: runner, memoryFile: boxes.accelerationMemory)
            .isUsable(kernels: boxes.kernels()) { await reporter.say($0) }
        if !usable {
            await reporter.say("no usable hardware virtualisation: the machine is emulated and many times slower")
        }
        return !usable
    }

    /// Whether the machine that is there is emulated; nil when there is none. It stays as it was made: vagrant-libvirt would
    /// give it another processor, but not another kind of virtualisation, and it would not boot any more.
    func emulatedAsMade() throws -> Bool? {
        guard VagrantProvider.existing(in: project) == .libvirt,
            let value = VagrantfileDifference.values(try MachineFiles().read(project.vagrantfile) ?? "")["emulated"]
        else { return nil }
        return value == "true"
    }

    func refuseForeignVagrantfile() throws {
        guard let text = try MachineFiles().read(project.vagrantfile) else { return }
        guard !text.hasPrefix(Vagrantfile.header) else { return }
        throw PgafError(
            .vagrantfileForeign, "\(project.vagrantfile) was not made by pgaf and is left alone.",
            remedy: "Run pgaf-host in an empty directory, or move that file away first.")
    }
}
