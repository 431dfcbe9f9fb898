import Shared

/// The monitor's orders and its nodes' reports lock the same rows in different orders. PostgreSQL undoes one of two
/// transactions that wait for each other, and it goes through when it is asked for again.
enum Deadlock {
    /// How often an order is given before its deadlock is an error.
    private static let attempts = 5

    /// - Throws: what `order` throws.
    @discardableResult
    static func outlived<Value>(_ order: () async throws -> Value) async throws -> Value {
        for _ in 1..<attempts {
            do {
                return try await order()
            } catch let error as PgafError where error.output.contains(where: { $0.contains("deadlock detected") }) {}
        }
        return try await order()
    }
}
