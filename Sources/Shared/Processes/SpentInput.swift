import Subprocess

/// Text for a program's standard input that the program need not read.
///
/// A program that ends early (`docker exec` into a container that is not there) has already said why by its status and
/// its words; the broken pipe says nothing more. It needs SIGPIPE to be ignored, as both programs do.
package struct SpentInput: InputProtocol {
    private let text: String

    package init(_ secret: Secret) { text = secret.revealed }

    package func write(with writer: StandardInputWriter) async throws {
        do {
            _ = try await writer.write(Array(text.utf8))
        } catch let error where error.code == .failedToWriteToSubprocess {}
    }
}
