import Shared
import Testing

@Suite struct EventWordsTests {
    @Test func everyEventIsALine() {
        for body in EventSamples.bodies { #expect(!body.words.isEmpty && !body.words.contains("\n"), "\(body.type)") }
        let samples: [(Event.Body, String)] = [
            (.stepProgress(step: "image", fraction: 0.25, message: "Step 3/12"), "image: Step 3/12 25 %"),
            (.stepFinished(step: "image", outcome: .changed, seconds: 4.5), "image: changed in 4.5 s"),
            (.stepFailed(step: "image", error: EventSamples.error, seconds: 1), "image: failed: It failed with \"x\"."),
            (.heartbeat(Heartbeat(step: nil, awaiting: "a lock", since: "t", until: nil)), "run: waiting for a lock"),
            (.result(RunResult(status: .cancelled)), "result: cancelled"),
            (.unknown(type: "step.danced"), "step.danced"),
        ]
        for (body, words) in samples { #expect(body.words == words) }
    }
}
