import Shared
import Testing

@Suite struct RedactorTests {
    @Test func everyPlaceOfEverySecret() {
        let redactor = Redactor([Secret("s3cret"), Secret("s3cret-and-longer"), Secret("abc")])
        #expect(redactor.redact("s3cret,s3cret") == "••••,••••")
        #expect(redactor.redact("x s3cret-and-longer y") == "x •••• y")
        #expect(redactor.redact("") == "" && redactor.redact("abc s3cre s3cre") == "abc s3cre s3cre")
        #expect(redactor.redact("s3crs3cret") == "s3cr••••")
    }

    /// A mark makes one character of itself and the letter before it; the secret is there all the same.
    @Test func marksBehindASecretDoNotHideIt() {
        let redactor = Redactor([Secret("s3cret"), Secret("Grüße")])
        #expect(redactor.redact("s3cret\u{301}!") == "••••\u{301}!")
        #expect(redactor.redact("\u{200D}s3cret\u{200D}") == "\u{200D}••••\u{200D}")
        #expect(redactor.redact("<Grüße>\u{308}") == "<••••>\u{308}")
    }
}
