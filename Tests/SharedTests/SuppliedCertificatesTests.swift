import FoundationEssentials
import Shared
import TestSupport
import Testing

@Suite struct SuppliedCertificatesTests {
    private let scratch = ScratchDirectory()
    private let files = MachineFiles()
    private var configuration = Configuration()

    private static let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    private static let key = "-----BEGIN PRIVATE KEY-----\nk3y\n-----END PRIVATE KEY-----\n"

    init() throws {
        configuration.nodes = [NodeSettings(name: "one", port: 5001)]
        configuration.access.certificates = "tls"
        try files.makeDirectory("\(scratch.path)/tls")
        try put("ca.crt", Self.certificate)
        for name in ["monitor_node", "one"] {
            try put("\(name).crt", "  \n" + Self.certificate + Self.certificate)
            try put("\(name).key", Self.key)
        }
    }

    private func put(_ name: String, _ text: String) throws { try files.write(text, to: "\(scratch.path)/tls/\(name)") }

    private func read() throws -> SuppliedCertificates? {
        try SuppliedCertificates(configuration, directory: scratch.path, home: nil)
    }

    @Test func keyAndCertificateOfEachContainerBecomeOneText() throws {
        let supplied = try #require(try read())
        #expect(supplied.authority == Self.certificate && supplied.servers.keys.sorted() == ["monitor_node", "one"])
        #expect(supplied.servers["one"]?.revealed == Self.key + Self.certificate + Self.certificate)
        #expect(!"\(supplied)".contains("k3y"))
    }

    @Test func withoutTheKeyThereIsNothingToRead() throws {
        var configuration = configuration
        configuration.access.certificates = nil
        #expect(try SuppliedCertificates(configuration, directory: "/nowhere", home: nil) == nil)
    }

    @Test(
        arguments: [
            ("ca.crt", nil, "there is no such file"), ("one.key", nil, "there is no such file"),
            ("ca.crt", "text", "it holds 0 certificates"),
            ("ca.crt", certificate + certificate, "it holds 2 certificates"),
            ("ca.crt", certificate + key, "there is a private key in it"),
            ("one.crt", certificate + key, "there is a private key in it"),
            ("one.crt", "text", "it holds no certificate"),
            ("one.key", certificate, "a private key without a passphrase"),
            ("one.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nk3y\n", "a private key without a passphrase"),
        ] as [(String, String?, String)])
    func whatCannotBeUsedIsRefusedWithItsFile(_ name: String, _ text: String?, _ problem: String) throws {
        if let text { try put(name, text) } else { try files.remove("\(scratch.path)/tls/\(name)") }
        let error = try #require(throws: PgafError.self) { try read() }
        #expect(
            error.code == .certificateFailed && error.message.contains("\(scratch.path)/tls/\(name) cannot be used"))
        #expect(error.message.contains(problem) && !error.description.contains("k3y"))
    }

    @Test func theyReachTheAgentAsTheyAre() throws {
        var request = RequestTests.request
        request.certificates = try read()
        let text = try request.encoded()
        #expect(try Request(decoding: Array(text.revealed.utf8)) == request)
        #expect(!"\(request)".contains("k3y"))
    }
}
