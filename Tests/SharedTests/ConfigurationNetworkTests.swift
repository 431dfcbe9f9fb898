import FoundationEssentials
import Shared
import Testing

@Suite struct ConfigurationNetworkTests {
    @Test func readsAndShowsARange() throws {
        let network = try #require(IPv4Network("172.30.7.0/24"))
        #expect(network.description == "172.30.7.0/24")
        #expect(network.prefixLength == 24)
        #expect(network.usableAddressCount == 254)
        #expect(network.address(0).description == "172.30.7.0")
        #expect(network.address(10).description == "172.30.7.10")
        #expect(network.address(255).description == "172.30.7.255")
        #expect(network.address(256).description == "172.30.7.255")
        #expect(network.address(-1).description == "172.30.7.0")
    }

    @Test(arguments: ["0.0.0.0/0", "10.0.0.0/8", "192.168.56.150/32", "128.0.0.0/1", "255.255.255.255/32"])
    func keepsTheTextOfARange(_ text: String) throws {
        let network = try #require(IPv4Network(text))
        #expect(network.description == text)
        let data = try JSONEncoder().encode([network])
        #expect(try JSONDecoder().decode([IPv4Network].self, from: data) == [network])
    }

    @Test func findsSharedAddresses() throws {
        let wide = try #require(IPv4Network("10.0.0.0/8"))
        let narrow = try #require(IPv4Network("10.20.30.0/24"))
        let next = try #require(IPv4Network("10.20.31.0/24"))
        let all = try #require(IPv4Network("0.0.0.0/0"))
        #expect(wide.overlaps(narrow) && narrow.overlaps(wide))
        #expect(!narrow.overlaps(next) && !next.overlaps(narrow))
        #expect(all.overlaps(next) && next.overlaps(all))
        #expect(narrow.contains(narrow.address(7)))
        #expect(!narrow.contains(next.base))
        #expect(narrow.address(255) < next.base)
    }

    @Test func decodingRefusesWhatIsNoRange() {
        #expect(throws: (any Error).self) {
            try JSONDecoder().decode([IPv4Network].self, from: Data(#"["10.0.0.1/8"]"#.utf8))
        }
    }
}
