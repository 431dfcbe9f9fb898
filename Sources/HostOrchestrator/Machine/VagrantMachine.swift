import Foundation
import Shared

/// The virtual machine that `vagrant up` makes in the project directory, with VirtualBox or libvirt.
public struct VagrantMachine: Machine {
    let settings: VagrantSettings
    /// Ports of the guest that are forwarded: monitor, nodes, pooler.
    let ports: [Int]
    let project: ProjectDirectory
    let logFile: String
    let runner: any CommandRunner
    let boxes: BoxBuilder
    /// Of this computer, of which the machine is made.
    var resources = HostResources()
    let memory = VagrantMemory()

    /// - Parameters:
    ///   - ports: ports of the guest to forward, each wanted under the same number on 127.0.0.1.
    ///   - logFile: where Vagrant's output goes in clean lines, such as `.pgaf/runs/ID/vagrant.log`.
    ///   - boxes: makes the box for libvirt when it is missing.
    public init(
        settings: VagrantSettings, ports: [Int], project: ProjectDirectory, logFile: String,
        runner: any CommandRunner = SubprocessRunner(), boxes: BoxBuilder
    ) {
        self.settings = settings
        self.ports = ports
        self.project = project
        self.logFile = logFile
        self.runner = runner
        self.boxes = boxes
    }

    /// The machine that a configuration describes.
    public init(
        configuration: Configuration, project: ProjectDirectory, logFile: String,
        runner: any CommandRunner = SubprocessRunner(), boxes: BoxBuilder
    ) {
        self.init(
            settings: configuration.machine.vagrant, ports: configuration.forwardedPorts, project: project,
            logFile: logFile, runner: runner, boxes: boxes)
    }

    public var description: String {
        let provider = VagrantProvider.existing(in: project)?.rawValue ?? settings.provider.rawValue
        return "virtual machine \"\(settings.name)\" (\(provider))"
    }

    /// The provider, found once.
    func provider() async throws -> VagrantProvider {
        if let known = await memory.provider { return known }
        // A machine that another provider made is reached, stopped and removed by that one.
        let isForeign = VagrantProvider.other(than: settings.provider, in: project) != nil
        let found = try await VagrantProvider.resolve(
            isForeign ? .auto : settings.provider, project: project, runner: runner)
        await memory.remember(found)
        return found
    }

    /// Vagrant's word for the machine's state; `not_created` where there is no Vagrantfile yet.
    func state() async throws -> String {
        guard FileManager.default.fileExists(atPath: project.vagrantfile) else { return "not_created" }
        try await awakenProvider()
        let result = try await runner.checked(
            VagrantCommand.status(in: project.path), code: .vagrantFailed,
            what: "Vagrant could not say whether the machine runs.",
            remedy: "Run `vagrant status` in \(project.path) and correct what it complains about.")
        return VagrantMachineReadable(result.standardOutput).state ?? "not_created"
    }

    /// Starts libvirt's daemons where they do not run, as after a restart of a machine without systemd: Vagrant could
    /// say nothing of a machine that is there all the same.
    ///
    /// - Parameter say: told when something is started.
    func awakenProvider(_ say: @Sendable (String) async -> Void = { _ in }) async throws {
        guard await !memory.isAwake, try await provider() == .libvirt else { return }
        try await Libvirt(runner: runner).ensureRunning(say)
        await memory.rememberAwake()
    }

    /// How the machine is reached.
    ///
    /// - Throws: `machine.not-made` when it does not exist or does not run.
    func sshConfig() async throws -> VagrantSSHConfig {
        if let known = await memory.sshConfig { return known }
        guard FileManager.default.fileExists(atPath: project.vagrantfile) else { throw absent(nil) }
        try await awakenProvider()
        let result = try await runner.run(VagrantCommand.sshConfig(in: project.path))
        guard result.succeeded else {
            var error = absent(try await state())
            error.output = result.lastLines(4)
            throw error
        }
        let config = try VagrantSSHConfig(result.standardOutput)
        await memory.remember(config)
        return config
    }

    /// - Parameter state: Vagrant's word for it, if there is a machine.
    private func absent(_ state: String?) -> PgafError {
        guard let state, state != "not_created" else {
            return PgafError(
                .machineNotMade, "There is no virtual machine in \(project.path).",
                remedy: "Make it and its cluster with `pgaf-host up`, in the directory that is meant.")
        }
        return PgafError(
            .machineNotMade, "The virtual machine in \(project.path) does not run (\(state)).",
            remedy: "Start it and its cluster with `pgaf-host start`.")
    }
}

/// What one `VagrantMachine` found out already; each call of Vagrant costs about a second.
actor VagrantMemory {
    private(set) var provider: VagrantProvider?
    /// Whether the provider's services were seen running.
    private(set) var isAwake = false
    private(set) var sshConfig: VagrantSSHConfig?
    private(set) var ports: [Int: Int]?

    func remember(_ provider: VagrantProvider) { self.provider = provider }
    func rememberAwake() { isAwake = true }
    func remember(_ config: VagrantSSHConfig) { sshConfig = config }
    func remember(_ ports: [Int: Int]) { self.ports = ports }

    /// After the machine was started or removed: address, key and ports may be others.
    func forget() {
        sshConfig = nil
        ports = nil
    }
}
