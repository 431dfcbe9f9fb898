/// Vagrant's `--machine-readable` lines: `time,target,type,data…`.
struct VagrantMachineReadable: Sendable, Equatable {
    /// A line's data by its type, in the order of the lines.
    let entries: [Entry]

    struct Entry: Sendable, Equatable {
        var type: String
        var data: [String]
    }

    init(_ text: String) {
        entries = text.split(whereSeparator: \.isNewline).compactMap { line -> Entry? in
            let fields = line.split(separator: ",", omittingEmptySubsequences: false).map { field in
                String(field).replacing("%!(VAGRANT_COMMA)", with: ",").replacing("\\n", with: "\n")
            }
            guard fields.count >= 3, Int(fields[0]) != nil else { return nil }
            return Entry(type: fields[2], data: Array(fields.dropFirst(3)))
        }
    }

    /// `running`, `not_created`, `poweroff`, `shutoff`, `saved`, …; nil when there was no such line.
    var state: String? { entries.last { $0.type == "state" }?.data.first }

    /// Ports of the guest and where they answer on the host.
    var forwardedPorts: [Int: Int] {
        entries.filter { $0.type == "forwarded_port" && $0.data.count >= 2 }.reduce(into: [:]) { ports, entry in
            let numbers = entry.data.prefix(2).compactMap { Int($0) }.filter((1...65535).contains)
            if numbers.count == 2 { ports[numbers[0]] = numbers[1] }
        }
    }
}
