import Shared
import TestSupport
import Testing

@testable import GuestAgent

@Suite struct HBARulesTests {
    private let monitor = TestMachine.subnet.address(2)

    private func node(_ access: AccessSettings) -> String {
        HBARules.node(access: access, subnet: TestMachine.subnet, monitor: monitor)
    }

    @Test func theWholeTextByDefault() {
        #expect(
            node(AccessSettings()) == """
                # Written by pgaf; change pgaf.yaml and run `up` again.
                local  all,replication  all  peer  map=pgaf
                hostssl  all  pgautofailover_monitor  172.30.7.2/32  scram-sha-256
                hostssl  all  "postgres"  0.0.0.0/0  scram-sha-256
                host  all,replication  all  172.30.7.1/32  reject
                hostssl  replication,all  pgautofailover_replicator  172.30.7.0/24  scram-sha-256
                hostssl  all  postgres  172.30.7.0/24  scram-sha-256
                host  all,replication  all  all  reject

                """)
    }

    @Test func theWholeTextWithTrust() {
        var access = AccessSettings()
        access.clientAuth = .trust
        access.internalAuth = .trust
        #expect(
            node(access) == """
                # Written by pgaf; change pgaf.yaml and run `up` again.
                local  all,replication  all  peer  map=pgaf
                hostssl  all  pgautofailover_monitor  172.30.7.2/32  trust
                host  all  "postgres"  0.0.0.0/0  trust
                host  all,replication  all  172.30.7.1/32  reject
                hostssl  replication,all  pgautofailover_replicator  172.30.7.0/24  trust
                hostssl  all  postgres  172.30.7.0/24  scram-sha-256
                host  all,replication  all  all  reject

                """)
    }

    @Test func aNarrowRangeAndAnotherUser() {
        var access = AccessSettings()
        access.clientCIDR = "192.0.2.16/28"
        access.clientUser = "app"
        #expect(node(access).contains("\nhostssl  all  \"app\"  192.0.2.16/28  scram-sha-256\n"))
        #expect(!node(access).contains("0.0.0.0/0"))
    }

    @Test func theMonitorsWholeText() {
        var access = AccessSettings()
        access.clientCIDR = "192.0.2.16/28"
        #expect(
            HBARules.monitor(access: access, subnet: TestMachine.subnet) == """
                # Written by pgaf; change pgaf.yaml and run `up` again.
                local  all,replication  all  peer  map=pgaf
                hostssl  pg_auto_failover  autoctl_node  192.0.2.16/28  scram-sha-256
                host  all,replication  all  172.30.7.1/32  reject
                hostssl  pg_auto_failover  autoctl_node  172.30.7.0/24  scram-sha-256
                host  all,replication  all  all  reject

                """)
    }

    @Test func theIdentitiesThatPgAutoctlNeeds() {
        #expect(
            HBARules.identities == """
                # Written by pgaf; change pgaf.yaml and run `up` again.
                pgaf  postgres  postgres
                pgaf  postgres  autoctl_node
                pgaf  postgres  pgautofailover_replicator
                pgaf  postgres  pgautofailover_monitor

                """)
    }

    /// The fields of a line as PostgreSQL reads them: by bytes, `""` inside quotes is one quote, `#` begins a comment.
    private func fields(_ line: some Sequence<Unicode.Scalar>) -> [String]? {
        var fields: [String] = []
        var current: String.UnicodeScalarView?
        var quoted = false
        var previousQuote = false
        for scalar in line {
            if scalar == "\"" {
                if quoted == false, previousQuote { current?.append("\"") }
                quoted.toggle()
                previousQuote = !quoted
                current = current ?? String.UnicodeScalarView()
                continue
            }
            previousQuote = false
            if !quoted, scalar == " " {
                if let field = current { fields.append(String(field)) }
                current = nil
            } else if !quoted, scalar == "#" {
                return fields
            } else {
                current = current ?? String.UnicodeScalarView()
                current?.append(scalar)
            }
        }
        if let field = current { fields.append(String(field)) }
        return quoted ? nil : fields
    }

    @Test(arguments: ["/^post", "a\nhost all all all trust", "\u{0}"])
    func aNameThatTheFileCannotCarryLetsNobodyIn(_ user: String) {
        var access = AccessSettings()
        access.clientUser = user
        #expect(!node(access).contains(access.clientCIDR) && !node(access).contains("\"\(user)\""))
    }

    @Test func hostileUserNamesStayInsideTheirField() throws {
        var random = SeededGenerator(seed: 11)
        let wanted = try #require(fields(Array(node(AccessSettings()).unicodeScalars.split(separator: "\n")[3])))
        #expect(wanted == ["hostssl", "all", "postgres", "0.0.0.0/0", "scram-sha-256"])
        for _ in 0..<2000 {
            var access = AccessSettings()
            access.clientUser = "x" + random.hostileText()
            let lines = node(access).unicodeScalars.split(separator: "\n")
            let others = lines.map { String($0) }.filter {
                !$0.unicodeScalars.starts(with: "hostssl  all  \"x".unicodeScalars)
            }
            #expect(others.count == 7, "a line broke out of \(access.clientUser.debugDescription)")
            guard !access.clientUser.unicodeScalars.contains(where: { $0.value < 32 }) else {
                #expect(lines.count == 7, "a name that cannot be written must have no rule")
                continue
            }
            let found = try #require(fields(Array(lines[3])), "an open quote: \(String(lines[3]))")
            #expect(found.count == 5)
            #expect(found.count == 5 && Array(found[2].utf8) == Array(access.clientUser.utf8))
        }
    }
}
