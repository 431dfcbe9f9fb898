import FoundationEssentials
import Shared
import TestSupport
import Testing

/// The published schemas against all that the programs can write.
@Suite struct EventSchemaTests {
    @Test func everyEventFitsItsSchema() async throws {
        let lines = try EventSamples.bodies.map { try EventCoding.encode(EventSamples.event($0)) }
        #expect(try await PublishedSchema.complaints("event", lines) == [])
    }

    @Test func aPlanFitsItsSchema() async throws {
        let encoder = JSONEncoder()
        let plans = [
            ClusterPlan(cluster: "pgaf", steps: PlanTextTests.steps, notes: ["n"]),
            ClusterPlan(cluster: "a", steps: []),
        ]
        let lines = try plans.map { String(decoding: try encoder.encode($0), as: UTF8.self) }
        #expect(try await PublishedSchema.complaints("plan", lines) == [])
        let found = try await PublishedSchema.complaints(
            "plan", [#"{"cluster":"a","changes":-1,"steps":[],"notes":[]}"#, "{}"])
        #expect(found.contains { $0.hasPrefix("0 ") } && found.contains { $0.hasPrefix("1 ") })
    }

    @Test func theRequestFitsItsSchema() async throws {
        let plain = Request(run: "r", configuration: Configuration(), secrets: RequestTests.secrets)
        let orders = RequestTests.orders.map { order in
            var request = plain
            request.order = order
            return request
        }
        let halts = ClusterOrder.allCases.map { order in
            var request = plain
            request.clusterOrder = order
            return request
        }
        let lines = try ([plain, RequestTests.request] + orders + halts).map { try $0.encoded().revealed }
        #expect(try await PublishedSchema.complaints("request", lines) == [])
    }

    @Test func theSchemaRefusesWhatTheWireRefuses() async throws {
        let start = #"{"v":1,"run":"r","seq":1,"time":"2026-01-02T03:04:05.678Z","type":"#
        let bad = [
            start + #""step.started"}"#, start + #""step.finished","step":"a","outcome":"maybe","seconds":1}"#,
            start + #""hello","hello":{}}"#, #"{"v":2,"run":"r","seq":1,"time":"2026-01-02T03:04:05.678Z","type":"x"}"#,
            start + #""step.failed","step":"a","seconds":1}"#, start + #""result","result":{"status":"fine"}}"#,
            #"{"v":1,"run":"r","seq":0,"time":"2026-01-02T03:04:05.678Z","type":"x"}"#,
        ]
        let found = try await PublishedSchema.complaints("event", bad)
        for number in bad.indices { #expect(found.contains { $0.hasPrefix("\(number) ") }, "\(bad[number])") }
    }
}
