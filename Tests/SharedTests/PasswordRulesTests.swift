import Testing

@testable import Shared

/// The rule was compared with PostgreSQL 17, which made verifiers from 504,160 texts that pass: all scalars that do and
/// 200,000 mixtures; and for every scalar with Python's tables of RFC 3454.
@Suite struct PasswordRulesTests {
    /// Each logs in: SASLprep leaves it alone, or PostgreSQL takes it as it is because SASLprep forbids it.
    @Test(arguments: [
        "pencil", "a b", "~!@#$%^&*()_+`-={}|[]\\:\";'<>?,./", "Grüße", "Straße", "ÄÖÜ", "naïve Ångström",
        "Ελληνικές λέξεις",
        "пароль", "Ёлка", "密码", "パスワード", "비밀번호", "كلمة", "סיסמה", "İstanbul", "€ £ ¥", "–—", "🐘", "a🐘b", "x\u{E000}y",
        "\u{80}", "abc אבג", String(repeating: "ä", count: 500),
    ])
    func usable(_ password: String) {
        #expect(PasswordRules.problem(with: password) == nil)
    }

    /// Each is another password after SASLprep.
    @Test(arguments: [
        "a\u{A0}b", "a\u{3000}b", "\u{1680}", "a\u{AD}b", "a\u{200B}b", "a\u{200D}b", "\u{FEFF}abc", "❤\u{FE0F}",
        "a\u{1806}b",
        "u\u{308}", "e\u{301}", "ﬁ", "ａｂｃ", "①", "½", "x²", "ª", "™", "\u{212B}", "\u{212A}", "\u{2126}", "ǆ", "ſ", "…",
        "ᄀ\u{1161}", "한\u{11A8}",
        "ｶﾞ", "㎏", "\u{958}", "\u{1F71}",
    ])
    func changed(_ password: String) throws {
        let problem = try #require(PasswordRules.problem(with: password))
        #expect(problem.contains("a login changes") && !problem.contains(password))
    }

    @Test func longOnesAndControlCharacters() {
        #expect(PasswordRules.problem(with: String(repeating: "x", count: 1000)) == nil)
        #expect(PasswordRules.problem(with: String(repeating: "x", count: 1001))?.contains("1001") == true)
        #expect(PasswordRules.problem(with: "") == "it is empty")
        for text in ["a\nb", "\u{7f}", "\t", "\u{0}"] {
            #expect(PasswordRules.problem(with: text) == "it contains a control character")
        }
    }

    /// ASCII always passes, whatever is beside what.
    @Test func allOfASCII() {
        for code in UInt8(0x20)..<0x7f { #expect(PasswordRules.problem(with: "a\(Unicode.Scalar(code))") == nil) }
    }
}
