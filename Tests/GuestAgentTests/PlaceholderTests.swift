import Shared
import Testing

@Suite struct VersionTests {
    @Test func aVersionIsSemantic() {
        #expect(PgafVersion.current.split(separator: ".").count == 3)
    }
}
