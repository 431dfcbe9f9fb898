import TestSupport
import Testing

extension ContinuousWriter {
    /// Begins to write to the tests' cluster, and returns once the first row was acknowledged.
    ///
    /// - Parameter database: where its table is made.
    static func begin(_ cluster: PgafProject, in database: String = "myappdb") async throws -> ContinuousWriter {
        try await begin(cluster, through: TestCluster.ports, in: database)
    }
}

extension PgafProject {
    /// Lets something happen to the tests' cluster while a client writes, as `ContinuousWriter.during` tells.
    ///
    /// - Parameter database: in which the client writes.
    @discardableResult
    func whileWritten<Value>(
        _ what: String, in database: String = "myappdb", sourceLocation: SourceLocation = #_sourceLocation,
        _ deed: () async throws -> Value
    ) async throws -> (value: Value, rows: ContinuousWriter.Outcome) {
        let writer = try await ContinuousWriter.begin(self, in: database)
        return try await writer.during(what, sourceLocation: sourceLocation, deed)
    }
}
