import Shared
import Testing

@Suite struct LocalPathTests {
    @Test func everyPathBecomesAbsolute() {
        for (path, absolute) in [
            ("/a", "/a"), ("a/b", "/project/a/b"), ("~", "/home/me"), ("~/a", "/home/me/a"), ("~a", "/project/~a"),
        ] {
            #expect(LocalPath.absolute(path, in: "/project", home: "/home/me") == absolute)
        }
        #expect(LocalPath.absolute("~/a", in: "/project", home: nil) == "/project/~/a")
    }
}
