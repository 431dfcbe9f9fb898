import Shared

extension VagrantMachine {
    public func connect() async throws -> any Connection {
        let config = try await sshConfig()
        let keys = VagrantKnownHosts(project: project, provider: try await provider())
        try keys.restore()
        do {
            var parameters = config.parameters(knownHosts: project.knownHosts)
            parameters.knownHostsCopy = keys.copy
            let connection = try await SSHConnection.open(parameters)
            try keys.keep()
            return connection
        } catch {
            // A machine that was started again may have another address.
            await memory.forget()
            throw error
        }
    }

    /// Where the port answers now: a live forward, moved by `auto_correct` or not.
    ///
    /// On libvirt the forwards are processes that can die while the machine lives on (a laptop that slept, a machine that
    /// was started anew from within); they are begun again. Where that does not succeed the guest's own address is the
    /// answer, which always works from the host.
    public func endpoint(forGuestPort port: Int) async throws -> Endpoint {
        if let host = try await restoredPorts()[port] { return Endpoint(address: "127.0.0.1", port: host) }
        let config = try await sshConfig()
        switch try await provider() {
        case .libvirt: return Endpoint(address: config.host, port: port)
        case .virtualbox:
            // VirtualBox's NAT gives no address to reach; the host-only network does.
            if settings.ip != "none" { return Endpoint(address: settings.ip, port: port) }
            throw PgafError(
                .machineUnreachable, "Port \(port) of the machine is not forwarded.",
                remedy: "Run `vagrant reload` in \(project.path); it reads the Vagrantfile again.")
        }
    }

    public func hosts() async throws -> [String] {
        [try await sshConfig().host] + (settings.ip == "none" ? [] : [settings.ip])
    }

    /// VirtualBox's NAT gives all of them its gateway's address; on libvirt they come by `ssh -L`, out of the machine.
    public func clientAddress() async -> IPv4Address? {
        switch try? await provider() {
        case .virtualbox: IPv4Address("10.0.2.2")
        case .libvirt: await memory.sshConfig.flatMap { IPv4Address($0.host) }
        case nil: nil
        }
    }

    public func interactiveCommand(_ remote: [String], terminal: Bool) async throws -> Command {
        let config = try await sshConfig()
        try VagrantKnownHosts(project: project, provider: try await provider()).restore()
        return SSHClientCommand.interactive(
            config.parameters(knownHosts: project.knownHosts), remote: remote, terminal: terminal)
    }

    /// Guest port to host port, once those forwards that have ended are begun again.
    func restoredPorts() async throws -> [Int: Int] {
        guard try await provider() == .libvirt else { return try await forwardedPorts() }
        if let known = await memory.ports { return known }
        let config = try await sshConfig()
        try VagrantKnownHosts(project: project, provider: .libvirt).restore()
        let ports = try await LibvirtForwards(runner: runner, project: project)
            .restored(try recordedPorts().filter { self.ports.contains($0.key) }, config)
        await memory.remember(ports)
        return ports
    }

    /// What the Vagrantfile says.
    func recordedPorts() throws -> [Int: Int] {
        VagrantfileDifference.forwards(try MachineFiles().read(project.vagrantfile) ?? "")
    }

    /// Guest port to host port, as it is now.
    func forwardedPorts() async throws -> [Int: Int] {
        switch try await provider() {
        case .libvirt: return try await LibvirtForwards(runner: runner, project: project).live()
        case .virtualbox:
            if let known = await memory.ports { return known }
            let result = try await runner.run(VagrantCommand.port(in: project.path))
            let ports = VagrantMachineReadable(result.standardOutput).forwardedPorts
            if result.succeeded { await memory.remember(ports) }
            return ports
        }
    }
}
