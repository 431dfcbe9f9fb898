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

    /// The text with a piece put in place of each occurrence of another text, compared byte by byte.
    ///
    /// Not by characters, for the same reason: a secret whose last letter is followed by a combining mark would not be
    /// found, and shown.
    package func replacingBytes(of needle: String, with piece: String) -> String {
        let (bytes, wanted) = (Array(utf8), Array(needle.utf8))
        guard let first = wanted.first else { return self }
        var result: [UInt8] = []
        var place = 0
        while place < bytes.count {
            if bytes[place] == first, bytes[place...].starts(with: wanted) {
                result += piece.utf8
                place += wanted.count
            } else {
                result.append(bytes[place])
                place += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
