import Foundation
import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

@Suite struct VagrantfileTests {
    private static let forwards: [Vagrantfile.Forward] = [
        .init(guest: 5430, host: 5430), .init(guest: 5001, host: 2200), .init(guest: 6432, host: 6432),
    ]

    @Test func theTemplateIsTheRepositorysFile() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = try String(contentsOf: root.appendingPathComponent("Vagrantfile.template"), encoding: .utf8)
        #expect(Vagrantfile.template == file)
    }

    @Test func virtualBoxGetsTheDocumentedValues() {
        let file = Vagrantfile(
            settings: VagrantSettings(), provider: .virtualbox, forwards: Self.forwards, emulated: false)
        #expect(file.text.hasPrefix(Vagrantfile.header))
        #expect(
            file.text.split(separator: "\n")[2...9] == [
                "box = \"bento/debian-13\"", "name = \"pgAutoFailoverVM-Vagrant\"", "memory = 6144 # MiB", "cpus = 4",
                "ip = \"192.168.56.150\" # nil: no private network", "synced_folder = \".\" # nil: none",
                "forwarded_ports = {5430 => 5430, 5001 => 2200, 6432 => 6432} # guest => host: monitor, nodes, pooler",
                "emulated = false # libvirt only: no usable hardware virtualisation on this machine",
            ])
        #expect(!file.text.contains("{{"))
    }

    @Test func noneLeavesOut() {
        var settings = VagrantSettings()
        settings.ip = "none"
        settings.syncedFolder = "none"
        let file = Vagrantfile(settings: settings, provider: .libvirt, forwards: [], emulated: true)
        #expect(file.ip == nil && file.syncedFolder == nil && file.box == "pgaf/debian-13")
        #expect(file.text.contains("\nip = nil #") && file.text.contains("\nforwarded_ports = {} #"))
    }

    @Test func aValueThatLooksLikeAMarkStaysAValue() {
        var settings = VagrantSettings()
        settings.name = "{{memory}}"
        let file = Vagrantfile(settings: settings, provider: .libvirt, forwards: [], emulated: true)
        #expect(file.text.contains("\nname = \"{{memory}}\"\n"))
    }

    @Test func plainTextStaysReadable() {
        #expect(RubyLiteral.string("it's \"#{x}\"\\") == #""it's \u{22}\u{23}{x}\u{22}\u{5c}""#)
    }

    /// Real Ruby gives back every text byte for byte; nothing is interpolated.
    @Test func rubyReadsBackTheSameBytes() async throws {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("ab#{}\"'\\$@!%n\n\r\t\u{0}\u{1B}ü🐘\u{202E}`();=begin__END__")
        var texts = try Corpus.texts()
        for _ in 0..<300 {
            texts.append(String((0..<Int.random(in: 0...12, using: &generator)).map { _ in alphabet.randomElement()! }))
        }
        let program =
            "print [" + texts.map { RubyLiteral.string($0) }.joined(separator: ",\n") + "]"
            + ".map { |text| text.unpack1(\"H*\") }.join(\",\")"
        let result = try await SubprocessRunner(limit: 16 << 20).run(Command("ruby", ["-"], input: Secret(program)))
        let expected = texts.map { text in text.utf8.map { String(format: "%02x", $0) }.joined() }
        #expect(result.standardOutput == expected.joined(separator: ","), "\(result.standardError)")
    }

    /// The rendered file itself, read by Ruby with Vagrant's part of it played: each folder, box and name of the corpus
    /// arrives as it was written.
    @Test func theRenderedFileCarriesEveryTakenValue() async throws {
        let folders = try Corpus.cases("paths.txt", of: ["machine.vagrant.synced_folder"]).filter(\.isCarried)
        let boxes = try Corpus.cases("names.txt", of: ["machine.vagrant.box"]).filter(\.isCarried)
        let files = (0..<max(folders.count, boxes.count)).map { index in
            var settings = VagrantSettings()
            settings.syncedFolder = folders[index % folders.count].text
            settings.box = boxes[index % boxes.count].text
            settings.name = "it's \"#{index}\" \(index)"
            return Vagrantfile(settings: settings, provider: .virtualbox, forwards: Self.forwards, emulated: false)
        }
        // The values stand before Vagrant is called for the first time.
        let program = files.map { file in
            let head = file.text.components(separatedBy: "Vagrant.configure")[0]
            return head + "\nputs [synced_folder, box, name].map { |v| v.nil? ? '-' : v.unpack1('H*') }.join(' ')\n"
        }
        let result = try await SubprocessRunner().run(
            Command("ruby", ["-"], input: Secret(program.joined())))
        func hexadecimal(_ text: String?) -> String {
            text.map { $0.utf8.map { String(format: "%02x", $0) }.joined() } ?? "-"
        }
        let expected = files.map { "\(hexadecimal($0.syncedFolder)) \(hexadecimal($0.box)) \(hexadecimal($0.name))\n" }
        #expect(result.standardOutput == expected.joined(), "\(result.standardError)")
    }

    /// Vagrant itself accepts the file for VirtualBox, which need not be installed for that.
    @Test(arguments: ["192.168.56.150", "none"]) func vagrantAcceptsIt(_ ip: String) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("pgaf-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        var settings = VagrantSettings()
        settings.ip = ip
        settings.name = "it's \"quoted\" #{raise 'no'}"
        let file = Vagrantfile(settings: settings, provider: .virtualbox, forwards: Self.forwards, emulated: false)
        try file.text.write(to: directory.appendingPathComponent("Vagrantfile"), atomically: true, encoding: .utf8)
        let result = try await SubprocessRunner().run(
            Command(
                "vagrant", ["validate", "--ignore-provider"],
                environment: ["VAGRANT_HOME": directory.appendingPathComponent("home").path],
                workingDirectory: directory.path))
        #expect(result.succeeded, "\(result.standardOutput)\(result.standardError)")
    }
}
