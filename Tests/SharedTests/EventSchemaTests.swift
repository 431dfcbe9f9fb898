import FoundationEssentials
import Shared
import Testing

/// The published schemas against what the programs really write; needs python3 with jsonschema.
@Suite struct EventSchemaTests {
    /// Checks each line of standard input; every object is closed first, so that a key that the schema does not name
    /// is found. Prints a line for each complaint.
    private static let checker = """
        import json, sys
        try:
            from jsonschema import Draft202012Validator
        except ImportError:
            sys.exit("python3 lacks jsonschema 4 or newer: apt-get install python3-jsonschema")
        def close(node):
            if isinstance(node, dict):
                if node.get("type") == "object" and "properties" in node:
                    node.setdefault("additionalProperties", False)
                for value in node.values():
                    close(value)
            elif isinstance(node, list):
                for value in node:
                    close(value)
        schema = json.load(open(sys.argv[1]))
        Draft202012Validator.check_schema(schema)
        close(schema)
        for number, line in enumerate(sys.stdin):
            for error in Draft202012Validator(schema).iter_errors(json.loads(line)):
                print(number, error.json_path, error.message[:200])
        """

    private func complaints(_ schema: String, _ lines: [String]) async throws -> [String] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/schema/\(schema).schema.json").path
        let result = try await SubprocessRunner().checked(
            Command("python3", ["-c", Self.checker, file], input: Secret(lines.joined(separator: "\n"))),
            remedy: "Install python3-jsonschema.")
        return result.standardOutput.split(separator: "\n").map(String.init)
    }

    @Test func everyEventFitsItsSchema() async throws {
        let lines = try EventSamples.bodies.map { try EventCoding.encode(EventSamples.event($0)) }
        #expect(try await complaints("event", lines) == [])
    }

    @Test func aPlanFitsItsSchema() async throws {
        let encoder = JSONEncoder()
        let plans = [
            ClusterPlan(cluster: "pgaf", steps: PlanTextTests.steps, notes: ["n"]),
            ClusterPlan(cluster: "a", steps: []),
        ]
        let lines = try plans.map { String(decoding: try encoder.encode($0), as: UTF8.self) }
        #expect(try await complaints("plan", lines) == [])
        let found = try await complaints("plan", [#"{"cluster":"a","changes":-1,"steps":[],"notes":[]}"#, "{}"])
        #expect(found.contains { $0.hasPrefix("0 ") } && found.contains { $0.hasPrefix("1 ") })
    }

    @Test func theRequestFitsItsSchema() async throws {
        let plain = Request(run: "r", configuration: Configuration(), secrets: RequestTests.secrets)
        let orders = RequestTests.orders.map { order in
            var request = plain
            request.order = order
            return request
        }
        let lines = try ([plain, RequestTests.request] + orders).map { try $0.encoded().revealed }
        #expect(try await complaints("request", lines) == [])
    }

    @Test func theSchemaRefusesWhatTheWireRefuses() async throws {
        let start = #"{"v":1,"run":"r","seq":1,"time":"2026-01-02T03:04:05.678Z","type":"#
        let bad = [
            start + #""step.started"}"#, start + #""step.finished","step":"a","outcome":"maybe","seconds":1}"#,
            start + #""hello","hello":{}}"#, #"{"v":2,"run":"r","seq":1,"time":"2026-01-02T03:04:05.678Z","type":"x"}"#,
            start + #""step.failed","step":"a","seconds":1}"#, start + #""result","result":{"status":"fine"}}"#,
            #"{"v":1,"run":"r","seq":0,"time":"2026-01-02T03:04:05.678Z","type":"x"}"#,
        ]
        let found = try await complaints("event", bad)
        for number in bad.indices { #expect(found.contains { $0.hasPrefix("\(number) ") }, "\(bad[number])") }
    }
}
