import FoundationEssentials
import Shared
import TestSupport
import Testing

@testable import GuestAgent

@Suite struct ClusterStateTests {
    private func state(_ subnet: String) throws -> ClusterState {
        ClusterState(source: .debian, postgresVersion: 17, subnet: try #require(IPv4Network(subnet)))
    }

    private func configuration(_ names: [String]) -> Configuration {
        var configuration = Configuration()
        configuration.nodes = names.enumerated().map { NodeSettings(name: $0.element, port: 5001 + $0.offset) }
        return configuration
    }

    @Test func nodesStartAtElevenAndTheMonitorHasTwo() throws {
        let placed = try state("172.30.7.0/24").placing(configuration(["a", "b"]))
        #expect(placed.offsets == ["monitor_node": 2, "a": 11, "b": 12])
    }

    @Test func placesStayWhenNodesComeGoAndChangeTheirOrder() throws {
        let first = try state("172.30.7.0/24").placing(configuration(["a", "b", "c"]))
        let fewer = first.placing(configuration(["c", "a"]))
        #expect(fewer.offsets == first.offsets)
        let more = fewer.placing(configuration(["d", "c", "b", "a"]))
        #expect(more.offsets == ["monitor_node": 2, "a": 11, "b": 12, "c": 13, "d": 14])
        #expect(more.placing(configuration(["d", "c", "b", "a"])) == more)
    }

    @Test func theMemoryOfEarlierReleasesIsRead() throws {
        let text = #"{"source":"pgdg","postgresVersion":16,"subnet":"172.30.7.0/24","offsets":{"a":11}}"#
        var state = try JSONDecoder().decode(ClusterState.self, from: Data(text.utf8))
        #expect(state.source == .pgdg && state.offsets == ["a": 11] && state.base == nil)
        state.base = "ubuntu:focal@sha256:00"
        #expect(try JSONDecoder().decode(ClusterState.self, from: try JSONEncoder().encode(state)) == state)
    }

    @Test func aSmallSubnetIsUsedFromThree() throws {
        let placed = try state("172.30.7.0/29").placing(configuration(["a", "b", "c", "d"]))
        #expect(placed.offsets == ["monitor_node": 2, "a": 3, "b": 4, "c": 5, "d": 6])
    }

    @Test func aFullSubnetGivesAwayThePlaceOfANodeThatLeft() throws {
        let full = try state("172.30.7.0/29").placing(configuration(["a", "b", "c", "d"]))
        let replaced = full.placing(configuration(["a", "c", "d", "e"]))
        #expect(replaced.offsets == ["monitor_node": 2, "a": 3, "e": 4, "c": 5, "d": 6])
    }

    @Test func placesBelowElevenAreUsedWhenThoseAboveAreGone() throws {
        var placed = try state("172.30.7.0/28").placing(configuration(["a", "b", "c"]))
        placed = placed.placing(configuration(["d", "e"]))
        #expect(placed.offsets["d"] == 14 && placed.offsets["e"] == 3)
    }

    @Test func manyChangesNeverGiveTwoNodesOneAddress() throws {
        var random = SeededGenerator(seed: 7)
        let names = (1...20).map { "n\($0)" }
        for prefix in [24, 27, 28] {
            var state = try state("172.30.7.0/\(prefix)")
            for _ in 0..<100 {
                let wanted = Array(names.shuffled(using: &random).prefix(Int.random(in: 1...8, using: &random)))
                state = state.placing(configuration(wanted))
                let places = state.offsets.values
                #expect(Set(places).count == places.count)
                for name in wanted + ["monitor_node"] {
                    let place = try #require(state.offsets[name], "\(name) has no place in a /\(prefix)")
                    #expect((2...state.subnet.usableAddressCount).contains(place))
                }
            }
        }
    }
}

@Suite struct SubnetChoiceTests {
    private static let routes = """
        Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
        eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
        docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
        br-455149d112a9\t00001EAC\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
        virbr1\t0079A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
        tun0\t0101000A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0
        broken\tXYZ\t00000000\t0001
        """

    @Test func readsTheKernelsRoutes() {
        let found = Route.all(inProcNetRoute: Self.routes).map(\.network.description)
        #expect(found == ["172.17.0.0/16", "172.30.0.0/24", "192.168.121.0/24", "10.0.1.1/32"])
        #expect(Route.all(inProcNetRoute: "").isEmpty)
    }

    @Test func avoidsWhatIsTaken() throws {
        let taken = Route.all(inProcNetRoute: Self.routes).map(\.network)
        #expect(SubnetChoice.free(avoiding: taken)?.description == "172.30.1.0/24")
        #expect(SubnetChoice.free(avoiding: [])?.description == "172.30.0.0/24")
        let half = try #require(IPv4Network("172.30.0.0/17"))
        #expect(SubnetChoice.free(avoiding: [half])?.description == "172.30.128.0/24")
        let one = try #require(IPv4Network("172.30.0.77/32"))
        #expect(SubnetChoice.free(avoiding: [one])?.description == "172.30.1.0/24")
    }

    @Test func goesOnInTheSecondRangeAndThenGivesUp() throws {
        let first = try #require(IPv4Network("172.16.0.0/12"))
        let second = try #require(IPv4Network("10.0.0.0/8"))
        #expect(SubnetChoice.free(avoiding: [first])?.description == "10.213.0.0/24")
        #expect(SubnetChoice.free(avoiding: [first, second]) == nil)
    }
}
