import Foundation
import Testing

@testable import Shared

@Suite struct PlanTextTests {
    static let steps = [
        PlannedStep(id: "docker", title: "Docker", dependencies: [], action: .none),
        PlannedStep(
            id: "node.a", title: "the node a", dependencies: ["docker"], action: .change,
            changes: ["make container a anew on its volume", "a, docker run: --publish 1:2 → 3:2"]),
        PlannedStep(
            id: "node.b", title: "the node b", dependencies: ["docker"], action: .create,
            changes: ["create container b"], waits: ["wait for x"]),
        PlannedStep(
            id: "node.c", title: "the node c", dependencies: ["docker"], action: .none, waits: ["wait for c"]),
        PlannedStep(id: "verify", title: "the proof", dependencies: [], action: .none),
    ]

    @Test func whatIsToDoIsListedAndTheRestCounted() {
        let plan = ClusterPlan(cluster: "pgaf", steps: Self.steps, notes: ["access is open"])
        #expect(plan.changes == 3 && plan.exitCode == 2)
        #expect(
            PlanText.lines(plan).joined(separator: "\n") == """
                cluster pgaf: `up` would make 3 changes in 2 of 5 steps

                ~ node.a: the node a
                    make container a anew on its volume
                    a, docker run: --publish 1:2 → 3:2

                + node.b: the node b
                    create container b
                    (no change) wait for x

                . node.c: the node c
                    (no change) wait for c

                2 steps have nothing to do

                note: access is open
                """)
    }

    @Test func nothingToDoIsOneLine() {
        let plan = ClusterPlan(cluster: "pgaf", steps: [Self.steps[0], Self.steps[4]])
        #expect(plan.changes == 0 && plan.exitCode == 0)
        #expect(PlanText.lines(plan) == ["cluster pgaf: nothing to change, 2 steps looked at"])
    }

    @Test func whatIsOnlyWaitedForIsShownAndNoChange() {
        let plan = ClusterPlan(cluster: "pgaf", steps: [Self.steps[0], Self.steps[3]])
        #expect(plan.exitCode == 0)
        #expect(PlanText.lines(plan).contains("    (no change) wait for c"))
    }

    @Test func comesBackFromJSONAsItWas() throws {
        let plan = ClusterPlan(cluster: "pgaf", steps: Self.steps, notes: ["n"])
        #expect(try JSONDecoder().decode(ClusterPlan.self, from: JSONEncoder().encode(plan)) == plan)
    }
}
