/// Which texts can be passwords of a cluster.
enum PasswordRules {
    /// What is wrong with a password, in words that do not show it; nil when it can be used.
    static func problem(with value: String) -> String? {
        if value.isEmpty {
            "it is empty"
        } else if value.utf8.count > 1000 {
            "it has \(value.utf8.count) bytes, at most 1000 are allowed"
        } else if value.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) {
            "it contains a control character"
        } else {
            nil
        }
    }
}
