/// A field of libpq's password file, in which `:` and `\` carry meaning.
package enum PassfileField {
    /// The field with a backslash before each of them, as libpq reads it.
    package static func escaped(_ text: String) -> String {
        text.replacingScalar("\\", with: "\\\\").replacingScalar(":", with: "\\:")
    }
}
