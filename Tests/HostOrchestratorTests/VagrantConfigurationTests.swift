import Foundation
import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

/// What Vagrant's own loader makes of the Vagrantfile that `up` writes, key by key: not its text, but the configuration
/// that VirtualBox would be given. Nothing is started, and VirtualBox need not be installed.
@Suite struct VagrantConfigurationTests {
    private let scratch = ScratchDirectory()

    /// A machine as Vagrant understands it.
    private struct Understood: Decodable, Equatable {
        struct Forward: Decodable, Equatable {
            var guest: Int
            var host: Int
            var hostIP: String
            var autoCorrect: Bool
        }

        struct Folder: Decodable, Equatable {
            var host: String
            var guest: String
            var type: String?
            var disabled: Bool
            /// Whether the machine may make links in it; nil leaves that to VirtualBox.
            var links: Bool?
        }

        var box: String
        var bootTimeout: Int
        var name: String
        /// What `VBoxManage modifyvm` is told.
        var sizes: [String]
        var addresses: [String]
        var forwards: [Forward]
        var folders: [Folder]
        var provisioners: Int
        /// When, of which command, and what is said then.
        var triggers: [[String]]
        var complaints: [String]
    }

    /// Loads the file as `vagrant up` does, up to the point where it would look for the box and the provider.
    private static let program = #"""
        require "json"
        require "vagrant"

        loader = Vagrant::Config::Loader.new(Vagrant::Config::VERSIONS, Vagrant::Config::VERSIONS_ORDER)
        loader.set(:root, Pathname.new(ARGV[0]))
        found = Vagrant::Vagrantfile.new(loader, [:root]).machine_config(:default, :virtualbox, nil, nil, false)
        machine = found[:config].vm
        virtualbox = machine.get_provider_config(:virtualbox)
        trigger = found[:config].trigger
        said = {before: trigger.before_triggers, after: trigger.after_triggers}.flat_map { |time, all|
          all.map { |one| [time.to_s, one.command.to_s, one.info.to_s] }
        }
        networks = machine.networks.group_by(&:first).transform_values { |all| all.map(&:last) }
        print JSON.generate(
          box: machine.box,
          bootTimeout: machine.boot_timeout,
          name: virtualbox.name,
          sizes: virtualbox.customizations.map { |event, words| [event, *words].join(" ") },
          addresses: networks.fetch(:private_network, []).map { |network| network[:ip] },
          forwards: networks.fetch(:forwarded_port, []).map { |port|
            {guest: port[:guest], host: port[:host], hostIP: port[:host_ip], autoCorrect: port[:auto_correct]}
          },
          folders: machine.synced_folders.values.map { |folder|
            {host: folder[:hostpath], guest: folder[:guestpath], type: folder[:type], disabled: folder[:disabled],
              links: folder[:SharedFoldersEnableSymlinksCreate]}
          },
          provisioners: machine.provisioners.size,
          triggers: said,
          complaints: (found[:config_errors] + found[:config_warnings]).map(&:to_s))
        """#

    /// Writes the Vagrantfile as `up` does and has Vagrant read it.
    private func understood(_ configuration: Configuration, byPgaf: Bool = false) async throws -> Understood {
        let machine = VagrantMachine(
            configuration: configuration, project: scratch.project, logFile: "\(scratch.path)/log",
            runner: PretendedTools([:]),
            boxes: BoxBuilder(runner: PretendedTools([:]), environment: [:], isRoot: false) { "/nowhere" })
        let forwards = try await machine.forwards(.virtualbox, .starting)
        let file = Vagrantfile(
            settings: configuration.machine.vagrant, provider: .virtualbox, forwards: forwards, emulated: false)
        try MachineFiles().write(file.text, to: scratch.project.vagrantfile, mode: 0o644)
        let result = try await SubprocessRunner().run(
            Command(
                "ruby", ["-", scratch.project.vagrantfile],
                environment: ["VAGRANT_HOME": "\(scratch.path)/home", "HOME": scratch.path]
                    .merging(byPgaf ? VagrantCommand.up(.virtualbox, in: scratch.path).environment : [:]) { $1 },
                input: Secret(Self.program), workingDirectory: scratch.path))
        try #require(result.succeeded, "\(result.standardError)")
        return try JSONDecoder().decode(Understood.self, from: Data(result.standardOutput.utf8))
    }

    /// The ports that pgaf wants, and the one of SSH that Vagrant adds by itself.
    private static func forwards(_ ports: [Int]) -> [Understood.Forward] {
        ports.map { Understood.Forward(guest: $0, host: $0, hostIP: "127.0.0.1", autoCorrect: true) }
            + [Understood.Forward(guest: 22, host: 2222, hostIP: "127.0.0.1", autoCorrect: true)]
    }

    private static func sizes(_ memory: Int, _ cpus: Int) -> [String] {
        ["pre-boot modifyvm id --memory \(memory)", "pre-boot modifyvm id --cpus \(cpus)"]
    }

    private static let byDefault = Understood(
        box: "bento/debian-13", bootTimeout: 600, name: "pgAutoFailoverVM-Vagrant", sizes: sizes(6144, 4),
        addresses: ["192.168.56.150"], forwards: forwards([5430, 5001, 5002, 5003, 6432]),
        folders: [.init(host: ".", guest: "/vagrant", type: "virtualbox", disabled: false, links: false)],
        provisioners: 0, triggers: triggers, complaints: [])

    /// `vagrant provision` and `vagrant reload --provision` say what does their work, `vagrant up` what comes next,
    /// `vagrant resume` what it does not.
    private static let triggers: [[String]] =
        [
            [
                "before", "resume",
                "This goes on with a suspended machine; `vagrant up` or `pgaf-host start` starts a halted one.",
            ]
        ]
        + ["provision", "reload"].map {
            ["after", $0, "There are no provisioners: `pgaf-host up` does their work, and changes only what differs."]
        }
        + [["after", "up", "The machine runs: `pgaf-host up` makes its cluster, or goes on with the one in it."]]

    @Test func theDefaultMachineKeyByKey() async throws {
        #expect(try await understood(Configuration()) == Self.byDefault)
    }

    @Test func theVagrantThatPgafRunsDoesNotSayWhatComesNext() async throws {
        var expected = Self.byDefault
        expected.triggers.removeAll { $0[1] == "up" }
        #expect(try await understood(Configuration(), byPgaf: true) == expected)
    }

    @Test(arguments: [true, false], [true, false])
    func withAndWithoutThePrivateNetworkAndTheSyncedFolder(_ network: Bool, _ folder: Bool) async throws {
        var configuration = Configuration()
        if !network { configuration.machine.vagrant.ip = "none" }
        if !folder { configuration.machine.vagrant.syncedFolder = "none" }
        var expected = Self.byDefault
        if !network { expected.addresses = [] }
        // Left out means turned off: Vagrant shares the directory by itself otherwise.
        if !folder { expected.folders = [.init(host: ".", guest: "/vagrant", type: nil, disabled: true)] }
        #expect(try await understood(configuration) == expected)
    }

    @Test func everyOtherValueAndThePortOfEveryNode() async throws {
        var configuration = Configuration()
        configuration.machine.vagrant.box = "debian/trixie64"
        configuration.machine.vagrant.name = "it's \"quoted\" #{raise 'no'}"
        configuration.machine.vagrant.memory = 2048
        configuration.machine.vagrant.cpus = 7
        configuration.machine.vagrant.ip = "10.11.12.13"
        configuration.machine.vagrant.syncedFolder = "/srv/a folder"
        configuration.monitor.port = 15430
        configuration.nodes = (1...16).map { NodeSettings(name: "n\($0)", port: 16000 + $0) }
        configuration.pooler.port = 16432
        let expected = Understood(
            box: "debian/trixie64", bootTimeout: 600, name: "it's \"quoted\" #{raise 'no'}", sizes: Self.sizes(2048, 7),
            addresses: ["10.11.12.13"], forwards: Self.forwards([15430] + (16001...16016) + [16432]),
            folders: [
                .init(host: "/srv/a folder", guest: "/vagrant", type: "virtualbox", disabled: false, links: false)
            ],
            provisioners: 0, triggers: Self.triggers, complaints: [])
        #expect(try await understood(configuration) == expected)
    }

    @Test func theSeedsMachineKeyByKey() async throws {
        let seed = try ConfigurationLoader.load(file: "\(PgafProject.root)/examples/seed.yaml").configuration
        var expected = Self.byDefault
        expected.box = "ubuntu/focal64"
        #expect(try await understood(seed) == expected)
    }
}
