extension String {
    /// The text with a piece put in place of each occurrence of a scalar.
    ///
    /// By scalars and not by characters: a quote that a combining mark follows is one `Character` together with it, and
    /// would be overlooked by `split` and `replacing`, while every parser of bytes sees the quote.
    package func replacingScalar(_ scalar: Unicode.Scalar, with piece: String) -> String {
        var result = String.UnicodeScalarView()
        for one in unicodeScalars {
            if one == scalar { result.append(contentsOf: piece.unicodeScalars) } else { result.append(one) }
        }
        return String(result)
    }
}
