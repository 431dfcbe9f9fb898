import Shared

/// The schemas below docs/schema, for lines of JSON; needs python3 with jsonschema.
package enum PublishedSchema {
    /// Checks each line of standard input; every object is closed first, so that a key that the schema does not name
    /// is found. Prints a line for each complaint.
    private static let checker = """
        import json, sys
        try:
            from jsonschema import Draft202012Validator
        except ImportError:
            sys.exit("python3 lacks jsonschema 4 or newer: apt-get install python3-jsonschema")
        def close(node):
            if isinstance(node, dict):
                if node.get("type") == "object" and "properties" in node:
                    node.setdefault("additionalProperties", False)
                for value in node.values():
                    close(value)
            elif isinstance(node, list):
                for value in node:
                    close(value)
        schema = json.load(open(sys.argv[1]))
        Draft202012Validator.check_schema(schema)
        close(schema)
        for number, line in enumerate(sys.stdin):
            for error in Draft202012Validator(schema).iter_errors(json.loads(line)):
                print(number, error.json_path, error.message[:200])
        """

    /// What a schema does not allow: the line's number from 0, the place, and the words; nothing when all is in order.
    package static func complaints(_ schema: String, _ lines: [String]) async throws -> [String] {
        let file = "\(PgafProject.root)/docs/schema/\(schema).schema.json"
        let result = try await SubprocessRunner().checked(
            Command("python3", ["-c", checker, file], input: Secret(lines.joined(separator: "\n"))),
            remedy: "Install python3-jsonschema.")
        return result.standardOutput.split(separator: "\n").map(String.init)
    }
}
