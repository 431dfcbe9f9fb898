import Shared

/// `pgaf-host doctor`: one finding after another, from this computer to the cluster; looks only.
struct Doctor: Sendable {
    let context: HostContext
    let choice: ConfigurationChoice
    var resources = HostResources()

    /// - Returns: the exit code, 0 unless something failed.
    static func run(_ choice: ConfigurationChoice, json: Bool, in context: HostContext) async throws -> Int32 {
        let findings = await Doctor(context: context, choice: choice).findings()
        if json {
            context.say(try JSONText.indented(["findings": findings]))
        } else {
            findings.flatMap(\.lines).forEach(context.say)
        }
        return findings.lazy.compactMap { $0.code?.exitCode }.first ?? 0
    }

    /// In the order in which one thing needs the other; what cannot be looked at is left out.
    func findings() async -> [Finding] {
        do {
            let configuration = try context.currentConfiguration(choice)
            return await wanted() + about(configuration) + agent() + (await machine(configuration))
        } catch {
            return [.failed("configuration", error)]
        }
    }

    /// What keeps the next `up` from beginning; the rest is about the cluster that there is.
    private func wanted() async -> [Finding] {
        let configuration: Configuration
        do {
            configuration = try context.loadConfiguration(choice).configuration
        } catch {
            return [.failed("configuration", error)]
        }
        let passwords = Self.withoutCommands(configuration.passwords)
        let store = PasswordStore(project: context.project, environment: context.environment)
        let checks: [@Sendable () async throws -> Void] = [
            { try ClusterMemory.load(context.project)?.check(configuration) },
            {
                guard configuration.machine.kind == .vagrant else { return }
                try VagrantProvider.check(configuration.machine.vagrant.provider, in: context.project)
            },
            { _ = try await store.resolve(passwords, missing: .made) },
            { _ = try context.suppliedCertificates(configuration) },
        ]
        var findings: [Finding] = []
        for check in checks {
            do {
                try await check()
            } catch {
                findings.append(.failed("configuration", error))
            }
        }
        return findings
    }

    /// A command that gives a password may ask its user something, and is not run to look.
    private static func withoutCommands(_ settings: PasswordSettings) -> PasswordSettings {
        var settings = settings
        for place in [\PasswordSettings.superuser, \.monitor, \.replication, \.client] {
            if case .command = settings[keyPath: place] { settings[keyPath: place] = .generate }
        }
        return settings
    }

    private func about(_ configuration: Configuration) -> [Finding] {
        let kind = configuration.machine.kind.rawValue
        let warnings =
            ConfigurationValidator.warnings(for: configuration)
            + MachineFiles().exposedSecrets(
                configuration, directory: context.project.path, home: context.environment["HOME"])
        return [
            .ok(
                "configuration",
                "cluster \(configuration.cluster), \(configuration.nodes.count) nodes, machine \(kind)")
        ] + warnings.map { .warning("configuration", $0) }
    }

    private func agent() -> [Finding] {
        do {
            return [.ok("agent", try context.agentBinary())]
        } catch {
            return [.failed("agent", error)]
        }
    }

    private func machine(_ configuration: Configuration) async -> [Finding] {
        do {
            let machine = try await context.machine(configuration)
            let outlook = try await machine.outlook()
            let notes = outlook.notes.map { Finding.warning("machine", $0) }
            let findings: [Finding] =
                switch outlook.state {
                case .missing:
                    [.ok("machine", "\(machine.description): not made yet, `pgaf-host up` makes it")] + notes
                        + (await computer(configuration))
                case .stopped:
                    [.warning("machine", "\(machine.description) does not run: `pgaf-host up` starts it")] + notes
                        + (await computer(configuration))
                case .running:
                    [.ok("machine", "\(machine.description)")] + notes + (await cluster(machine, configuration))
                }
            let range = await ClientRange.warning(configuration, on: machine)
            return findings + (range.map { [Finding.warning("configuration", $0)] } ?? [])
                + (await machine.warnings()).map { .warning("machine", $0) }
        } catch {
            return [.failed("machine", error)]
        }
    }

    /// What a virtual machine takes from this computer when it is started.
    private func computer(_ configuration: Configuration) async -> [Finding] {
        guard configuration.machine.kind == .vagrant else { return [] }
        let ports = configuration.forwardedPorts
        let taken = ports.filter { !resources.isFree($0) }
        var findings: [Finding] = taken.map {
            .warning(
                "ports", "port \($0) of this computer is in use: the machine's port \($0) gets another number here")
        }
        if taken.isEmpty { findings.append(.ok("ports", "\(ports.map(String.init).joined(separator: ", ")) are free")) }
        findings += await privateNetwork(configuration.machine.vagrant)
        let memory = configuration.machine.vagrant.memory
        if let free = resources.freeMemory() {
            findings.append(
                free < memory
                    ? .warning(
                        "memory",
                        "the machine wants \(memory) MiB and \(free) MiB are free:"
                            + " `machine.vagrant.memory` makes it smaller")
                    : .ok("memory", "\(free) MiB are free, the machine wants \(memory)"))
        }
        let provider: VagrantProvider = takesVirtualBox(configuration.machine.vagrant) ? .virtualbox : .libvirt
        let boxes = BoxBuilder.vagrantHome(context.environment)
        if let (directory, free) = resources.tightest([boxes, provider.usualDisks]) {
            findings.append(
                free < HostResources.neededDisk
                    ? .warning(
                        "disk",
                        "\(free) MiB are free in \(directory); box, machine and images need about"
                            + " \(HostResources.neededDisk)")
                    : .ok("disk", "\(free) MiB are free"))
        }
        return findings
    }

    private func takesVirtualBox(_ settings: VagrantSettings) -> Bool {
        settings.provider == .virtualbox || settings.provider == .auto && context.findProgram("VBoxManage") != nil
    }

    /// Whether VirtualBox can give the machine its private address.
    private func privateNetwork(_ settings: VagrantSettings) async -> [Finding] {
        guard takesVirtualBox(settings), let address = IPv4Address(settings.ip) else { return [] }
        let ranges = resources.hostOnlyRanges()
        guard ranges.contains(where: { $0.contains(address) }) else {
            let allowed = ranges.map(\.description).joined(separator: ", ")
            return [
                .warning(
                    "network",
                    "VirtualBox makes host-only networks in \(allowed) alone: machine.vagrant.ip \(address) wants its range"
                        + " in /etc/vbox/networks.conf, or is to be another one, or none")
            ]
        }
        // VirtualBox's own interfaces are those that it would use.
        let others = resources.routes().filter { !$0.interface.hasPrefix("vboxnet") }
        if let taken = others.first(where: { $0.network.contains(address) }) {
            return [
                .warning(
                    "network",
                    "machine.vagrant.ip \(address) lies in \(taken.network), which this computer reaches by"
                        + " \(taken.interface): another address, or none, keeps them apart")
            ]
        }
        // The machine itself does not run.
        if await resources.answers(address) {
            return [
                .warning(
                    "network",
                    "somebody has machine.vagrant.ip \(address) already, perhaps the machine of the scripts:"
                        + " `vagrant halt` in its directory, or another address here, or none, keeps them apart")
            ]
        }
        return [.ok("network", "VirtualBox can give the machine \(address); it needs no Extension Pack")]
    }

    /// What the agent says; a machine without one has no cluster yet.
    private func cluster(_ machine: any Machine, _ configuration: Configuration) async -> [Finding] {
        do {
            let state = try await context.withAgent(on: machine, configuration) {
                try await $0.status(cluster: configuration.cluster)
            }
            let count = state.nodes.count
            let health: [Finding] =
                state.healthy
                ? [.ok("cluster", "\(state.cluster) is healthy, \(count) nodes")]
                : (state.awaited?.map(\.text) ?? state.notes).map { .warning("cluster", $0) }
            return [.ok("login", "the machine takes this user's key, and its host key is the known one")] + health
                + (state.warnings ?? []).map { .warning("cluster", $0) }
        } catch let error as PgafError where error.code == .clusterNotFound || error.code == .agentMissing {
            return [.ok("cluster", "there is none yet: `pgaf-host up` makes it")]
        } catch {
            return [.failed("cluster", error)]
        }
    }
}

extension Doctor {
    /// One thing that was looked at.
    struct Finding: Sendable, Encodable, Equatable {
        enum Verdict: String, Sendable, Encodable {
            case ok, warning, failed
        }

        /// `configuration`, `agent`, `machine`, `ports`, `network`, `memory`, `disk`, `login`, `cluster`.
        var subject: String
        var verdict: Verdict
        var text: String
        /// What to type; nil where the text says it or there is nothing to do.
        var remedy: String?
        /// Of a failure.
        var code: ErrorCode?

        static func ok(_ subject: String, _ text: String) -> Finding {
            Finding(subject: subject, verdict: .ok, text: text)
        }

        static func warning(_ subject: String, _ text: String) -> Finding {
            Finding(subject: subject, verdict: .warning, text: text)
        }

        static func failed(_ subject: String, _ error: any Error) -> Finding {
            let error = PgafError.wrapping(error, doing: "looking at the \(subject)")
            return Finding(
                subject: subject, verdict: .failed, text: error.message, remedy: error.remedy, code: error.code)
        }

        var lines: [String] {
            let mark = verdict == .failed ? "FAILED" : verdict.rawValue
            let head = TerminalText.pad(mark, 8) + TerminalText.pad(subject, 14)
            return ["\(head)\(text.split(separator: "\n").joined(separator: "; "))"]
                + (remedy.map { [String(repeating: " ", count: 22) + $0] } ?? [])
        }
    }
}
