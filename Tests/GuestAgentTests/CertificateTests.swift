import FoundationEssentials
import Shared
import TestSupport
import Testing

@testable import GuestAgent

/// Certificates of nobody, whose keys were thrown away.
enum SampleCertificate {
    /// Ends on 2126-11-02T02:49:30Z, which needs a GeneralizedTime.
    static let long = """
        -----BEGIN CERTIFICATE-----
        MIIBdDCCARugAwIBAgIUJD/ZXr/pmlNwkWKQY/BSUHOb6YkwCgYIKoZIzj0EAwIw
        DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjYwMjQ5MzBaGA8yMTI2MTEwMjAyNDkz
        MFowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIdu
        nVd/xXVFTbZrt7zsigUuPh+k8N/0X10WGcxVXUs+a04p9XbY1mqCqcm1qePa+npw
        tMXVddOccldd7lk4HbCjUzBRMB0GA1UdDgQWBBTDqdAiKY/dVFfbQMbbM7/l57UI
        5DAfBgNVHSMEGDAWgBTDqdAiKY/dVFfbQMbbM7/l57UI5DAPBgNVHRMBAf8EBTAD
        AQH/MAoGCCqGSM49BAMCA0cAMEQCIA1hZNURERAycPDnNgMKZiiJeCs4ZncL9wq3
        y5u4k7oVAiBzJKu6wFNNbeQWgDrqZFOOF+jqQhH7vOhraBuElJ801w==
        -----END CERTIFICATE-----

        """
    /// Ended on 2025-01-01T00:00:00Z; of the first version, which has no field for that.
    static let ended = """
        -----BEGIN CERTIFICATE-----
        MIIBGDCBvwIUQqKhLOvjBCoT0MKdmRD7EZsU4ZUwCgYIKoZIzj0EAwIwDzENMAsG
        A1UEAwwEdGVzdDAeFw0yNDAxMDEwMDAwMDBaFw0yNTAxMDEwMDAwMDBaMA8xDTAL
        BgNVBAMMBHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAT/Cj7lmKI/MGPW
        +Gg0sc/3MZDzQPs5XEbbqbOj7SpAkkd/uT/zizb0AwlGeAs/TFtM3WwQwGhdZzun
        a9IU50lTMAoGCCqGSM49BAMCA0gAMEUCIQDHfbBXUDAI5wLmXYYlO4QQ4l1vhAu7
        gqQqOC0Fsv/G7gIgBoKxEsYZ49eQ0NdE5mrYSD2xjK+CTnkiRHkU9xmbN/M=
        -----END CERTIFICATE-----

        """
    /// Ends on 2029-02-03T02:49:30Z, written as UTCTime.
    static let short = """
        -----BEGIN CERTIFICATE-----
        MIIBcjCCARmgAwIBAgIUMTb6NW3XGCPpHyWK9HDAQlseEN8wCgYIKoZIzj0EAwIw
        DzENMAsGA1UEAwwEdGVzdDAeFw0yNjExMjYwMjQ5MzBaFw0yOTAyMDMwMjQ5MzBa
        MA8xDTALBgNVBAMMBHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASHbp1X
        f8V1RU22a7e87IoFLj4fpPDf9F9dFhnMVV1LPmtOKfV22NZqgqnJtanj2vp6cLTF
        1XXTnHJXXe5ZOB2wo1MwUTAdBgNVHQ4EFgQUw6nQIimP3VRX20DG2zO/5ee1COQw
        HwYDVR0jBBgwFoAUw6nQIimP3VRX20DG2zO/5ee1COQwDwYDVR0TAQH/BAUwAwEB
        /zAKBggqhkjOPQQDAgNHADBEAiBa1eCBnVDiI5W9Kr//fg9aVmBrBVwY9x8LMBL2
        w4XrWQIgHegUCVroZb45UAwQko8bRUmm9VHwUjo11CnjYSVxfK8=
        -----END CERTIFICATE-----

        """
}

@Suite struct CertificateTextTests {
    @Test func bothKindsOfTimeAreRead() throws {
        let long = try #require(CertificateText("-----BEGIN EC PRIVATE KEY-----\nx\n" + SampleCertificate.long))
        #expect(Timestamp.text(long.end) == "2126-11-02T02:49:30.000Z")
        #expect(long.certificate == SampleCertificate.long)
        // What goes over the wire comes out as the same file.
        let endpoint = ConnectionInfo.Endpoint(name: "m", address: "127.0.0.1", port: 1)
        let information = ConnectionInfo(
            user: "u", database: "d", nodes: [], monitor: endpoint, monitorUser: "m", certificateAuthority: long.encoded
        )
        #expect(information.certificateAuthorityFile == SampleCertificate.long)
        let short = try #require(CertificateText(SampleCertificate.short))
        #expect(Timestamp.text(short.end) == "2029-02-03T02:49:30.000Z")
        let ended = try #require(CertificateText(SampleCertificate.ended))
        #expect(Timestamp.text(ended.end) == "2025-01-01T00:00:00.000Z")
    }

    @Test(arguments: [
        "", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nMIT/////\n-----END CERTIFICATE-----",
        "-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----",
    ])
    func whatIsNoneIsNone(_ text: String) { #expect(CertificateText(text) == nil) }

    /// Whatever a damaged file holds, reading it ends.
    @Test func noCutAndNoChangedByteIsATrap() {
        let bytes = Array(SampleCertificate.short.utf8)
        for index in bytes.indices {
            _ = CertificateText(String(decoding: bytes[..<index], as: UTF8.self))
            for value in [UInt8(ascii: "A"), UInt8(ascii: "/"), 0x80] {
                var changed = bytes
                changed[index] = value
                _ = CertificateText(String(decoding: changed, as: UTF8.self))
            }
        }
    }
}

@Suite struct CertificateStoreTests {
    private let machine = TestMachine()
    private let topology = TestMachine.topology()

    private var store: CertificateStore { CertificateStore(files: machine.files, topology: topology) }
    private var directory: String { topology.certificateDirectory }

    private func request(_ name: String) throws -> CertificateRequest {
        try #require(topology.certificateRequests.first { $0.name == name })
    }

    @Test func aRequestNamesEverythingByWhichOneComesOnce() throws {
        var configuration = Configuration()
        configuration.access.serverNames = ["db.example.org", "localhost"]
        configuration.access.publishAddress = "192.0.2.7"
        configuration.nodes[0].hostname = "one"
        let topology = ClusterTopology(
            configuration: configuration, state: topology.state.reached(by: ["10.1.2.3"], publishingEverywhere: nil),
            facts: MachineFacts(), root: "/var/lib/pgaf")
        let text = try #require(topology.certificateRequests.first { $0.name == "pgnode1" }).text
        let hosts = text.split(separator: "\n").filter { $0.hasPrefix("DNS.") || $0.hasPrefix("IP.") }
        #expect(
            hosts.map { String($0.split(separator: " ")[2]) } == [
                "pgnode1", "one", "localhost", "172.30.7.11", "127.0.0.1", "192.0.2.7", "db.example.org", "10.1.2.3",
                "172.30.7.11", "127.0.0.1", "::1", "192.0.2.7", "10.1.2.3",
            ])
        #expect(text.contains("CN = pgnode1\n") && text.contains("DNS.8 = 10.1.2.3\nIP.1 = 172.30.7.11\n"))
    }

    @Test func theScriptHasNoValuesInIt() throws {
        let command = try store.prepare(
            [request("pgnode2")], at: try #require(Timestamp.date("2026-03-01T10:20:30.000Z")))
        let script = try #require(command.arguments.firstIndex(of: CertificateRequest.script))
        #expect(
            command.arguments.suffix(from: script + 1) == [
                "bash", "20260228102030Z", "20280528102030Z", "20360227102030Z", "pgnode2",
            ])
        #expect(command.arguments.contains("none") && command.arguments.contains("ALL"))
        #expect(machine.mode(directory) == 0o700 && machine.mode("\(directory)/pgnode2.cnf") == 0o600)
    }

    @Test func aCertificateIsMadeWhenItIsMissingOfOthersOrAboutToEnd() throws {
        let now = try #require(Timestamp.date("2026-12-01T00:00:00.000Z"))
        let request = try request("pgnode1")
        #expect(try store.reason(for: request, at: now) == "there is none")
        try machine.place("\(directory)/authority.pem", SampleCertificate.long)
        try machine.place("\(directory)/pgnode1.pem", SampleCertificate.short)
        #expect(try store.reason(for: request, at: now)?.contains("other names") == true)
        try store.note(request)
        #expect(try store.reason(for: request, at: now) == nil)
        let late = try #require(Timestamp.date("2028-12-06T00:00:00.000Z"))
        #expect(try store.reason(for: request, at: late) == "it ends in 59 days")
        var more = request
        more.hosts.append("elsewhere")
        #expect(try store.reason(for: more, at: now)?.contains("other names") == true)
        // Another authority vouches for none of the old ones.
        try machine.place("\(directory)/authority.pem", SampleCertificate.short)
        #expect(try store.reason(for: request, at: now)?.contains("another authority") == true)
    }

    @Test func whatEndsSoonIsTold() throws {
        #expect(store.warnings().isEmpty)
        try machine.place("\(directory)/authority.pem", SampleCertificate.long)
        try machine.place("\(directory)/pgnode1.pem", SampleCertificate.short)
        func warnings(_ day: String) throws -> [String] {
            store.warnings(at: try #require(Timestamp.date("\(day)T02:49:30.000Z")))
        }
        #expect(try warnings("2028-12-05").isEmpty)
        #expect(
            try warnings("2028-12-06") == [
                "The certificate of pgnode1 ends in 59 days: `pgaf-host up` makes another one."
            ])
        #expect(
            try warnings("2030-01-01") == [
                "The certificate of pgnode1 ended on 2029-02-03: `pgaf-host up` makes another one."
            ])
        #expect(
            try warnings("2127-01-01").first?.hasPrefix("The cluster's certificate authority ended on 2126-11-02")
                == true)
    }

    @Test func withAnotherAuthorityEveryCertificateIsMadeAnew() async throws {
        let context = machine.context(topology)
        let step = CertificatesStep(topology: topology)
        // One that has ended is as good as none.
        try machine.place("\(directory)/authority.pem", SampleCertificate.ended)
        for request in topology.certificateRequests {
            try machine.place("\(directory)/\(request.name).pem", SampleCertificate.long)
            try store.note(request)
        }
        let changes = try await step.inspect(context)
        #expect(changes.map(\.subject) == ["authority", "monitor_node", "pgnode1", "pgnode2", "pgnode3"])
        let cluster = FakeCluster(topology)
        cluster.install(on: machine)
        try await step.apply(changes, context)
        #expect(try await step.inspect(context).isEmpty)
    }

    @Test func aDiskThatIsFullForThemIsToldAsSuch() async throws {
        machine.runner.on("docker", "run", status: 1, error: "cat: write error: No space left on device\n")
        let context = machine.context(topology)
        let error = try #require(await failure { try await CertificatesStep(topology: topology).apply([], context) })
        #expect(error.code == .diskFull && error.message.contains(directory))
        machine.runner.on("docker", "run", status: 1, error: "openssl: not found\n")
        let other = try #require(await failure { try await CertificatesStep(topology: topology).apply([], context) })
        #expect(other.code == .certificateFailed)
        let docker = "docker: Error response from daemon: mkdir /var/lib/docker/x: no space left on device.\n"
        machine.runner.on("docker", "run", status: 1, error: docker)
        let daemons = try #require(await failure { try await CertificatesStep(topology: topology).apply([], context) })
        #expect(daemons.code == .certificateFailed)
    }

    private static let supplied = SuppliedCertificates(
        authority: SampleCertificate.long,
        servers: Dictionary(
            uniqueKeysWithValues: ["monitor_node", "pgnode1", "pgnode2", "pgnode3"].map {
                ($0, Secret("PRIVATE KEY k3y of \($0)\n" + SampleCertificate.short))
            }))

    @Test func certificatesOfTheUsersOwnAreCheckedAndPutInPlace() async throws {
        var context = machine.context(topology)
        context.certificates = Self.supplied
        let step = CertificatesStep(topology: topology)
        let changes = try await step.inspect(context)
        #expect(changes.map(\.subject) == ["authority", "monitor_node", "pgnode1", "pgnode2", "pgnode3"])
        machine.runner.on("docker", "run")
        try await step.apply(changes, context)
        #expect(try await step.inspect(context).isEmpty)
        // A plan announces that a container gets another one only until it is in place.
        var looking = context
        looking.snapshot = DockerSnapshot(asked: [], containers: [:], images: [:])
        let node = ContainerConvergence.node(topology.configuration.nodes[0], topology)
        try node.writeFiles(context)
        try node.noteSecrets(context)
        #expect(try node.secretDifferences(looking).isEmpty)
        looking.certificates?.servers["pgnode1"] = Secret("PRIVATE KEY another\n" + SampleCertificate.short)
        #expect(try node.secretDifferences(looking).map(\.subject) == ["certificate"])
        #expect(try store.server("pgnode2")?.revealed.hasPrefix("PRIVATE KEY k3y of pgnode2") == true)
        let check = try #require(machine.runner.lines.last { $0.contains(CertificateStore.checkScript) })
        #expect(check.contains("\(machine.files.place(directory))/supplied:/certificates:ro"))
        let first = try #require(check.firstIndex(of: "bash").flatMap { _ in check.lastIndex(of: "bash") })
        #expect(
            check[(first + 1)...].prefix(6) == [
                "monitor_node", "-checkip", "127.0.0.1", "-checkhost", "monitor_node", "",
            ])
        #expect(!machine.files.exists("\(directory)/supplied"))
        // Without them the cluster makes an authority again, since it has no key of this one.
        #expect(try store.reasonForAuthority()?.contains("not the cluster's own") == true)
    }

    @Test func whatIsWrongWithThemLeavesTheOldOnesInUse() async throws {
        try machine.place("\(directory)/authority.pem", "PRIVATE KEY\n" + SampleCertificate.long)
        var context = machine.context(topology)
        context.certificates = Self.supplied
        let step = CertificatesStep(topology: topology)
        let changes = try await step.inspect(context)
        machine.runner.on("docker", "run", prints: "pgnode1.crt: it is not for 127.0.0.1\n", status: 1)
        let error = try #require(await failure { try await step.apply(changes, context) })
        #expect(error.code == .certificateFailed && error.output == ["pgnode1.crt: it is not for 127.0.0.1"])
        #expect(!machine.files.exists("\(directory)/supplied") && !machine.files.exists("\(directory)/pgnode1.pem"))
        #expect(try store.reasonForAuthority() == nil)
    }

    @Test func aRenewedCertificateIsHandedToTheRunningServer() async throws {
        let cluster = FakeCluster(topology)
        cluster.install(on: machine)
        let context = machine.context(topology)
        let step = CertificatesStep(topology: topology)
        let changes = try await step.inspect(context)
        #expect(changes.map(\.subject) == ["authority", "monitor_node", "pgnode1", "pgnode2", "pgnode3"])
        try await step.apply(changes, context)
        #expect(try await step.inspect(context).isEmpty)
        let node = ContainerConvergence.node(topology.configuration.nodes[0], topology)
        try node.writeFiles(context)
        let place = "\(topology.secretsDirectory("pgnode1"))"
        #expect(machine.mode("\(place)/server.pem") == 0o600)
        #expect(try machine.files.read("\(place)/ca.crt")?.contains("KEY") == false)
        try machine.files.write("another" + SampleCertificate.long, to: "\(directory)/pgnode1.pem")
        cluster.change {
            $0.containers["pgnode1"] = ContainerStatus(name: "pgnode1", status: "running", running: true)
        }
        try await node.apply([Change(.change, "certificate", "")], step: "x", context)
        #expect(try machine.files.read("\(place)/server.pem")?.hasPrefix("another") == true)
        let install = try #require(machine.runner.lines.last { $0.contains("install") })
        #expect(install.suffix(2) == ["/etc/pgaf-secrets/server.pem", "/run/pgaf"])
        #expect(cluster.change { $0.reloads } == 1)
    }
}
