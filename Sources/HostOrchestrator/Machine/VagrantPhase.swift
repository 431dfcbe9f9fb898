import Shared

/// What a line of Vagrant's output says about how far it is.
enum VagrantPhase {
    /// The line without terminal sequences, or nil when nothing is left of it.
    static func cleaned(_ line: String) -> String? {
        var text = ""
        var scalars = line.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            if scalar == "\u{1B}" {
                guard scalars.next() == "[" else { continue }
                // A control sequence ends with a letter or another byte from @ to ~.
                while let next = scalars.next(), !(0x40...0x7E).contains(next.value) {}
            } else if scalar.value >= 0x20 && scalar.value != 0x7F || scalar == "\t" {
                text.unicodeScalars.append(scalar)
            }
        }
        let clean = TerminalText.clean(text).trimmed
        return clean.isEmpty ? nil : clean
    }

    /// The share done, 0 to 1, that a progress line (`Progress: 41% (Rate: …`) names.
    static func fraction(_ line: String) -> Double? {
        guard line.hasPrefix("Progress: "), let end = line.firstIndex(of: "%") else { return nil }
        return Int(line[line.index(line.startIndex, offsetBy: 10)..<end].trimmed).map { Double($0) / 100 }
    }

    /// Words of Vagrant 2.2 to 2.4 and its two providers, and what they mean for people.
    private static let known: [(part: String, message: String)] = [
        ("Uploading base box image", "copying the box into libvirt's storage"),
        ("Adding box", "adding the box"),
        ("Importing base box", "importing the box"),
        ("Creating image (snapshot", "making the machine's disk"),
        ("Creating domain with", "making the machine"),
        ("Starting domain", "booting"),
        ("Booting VM", "booting"),
        ("Resuming", "resuming"),
        ("Waiting for domain to get an IP", "waiting for the machine's address"),
        ("Waiting for machine to boot", "waiting for SSH"),
        ("Inserting generated public key", "replacing the SSH key"),
        ("Key inserted", "replaced the SSH key"),
        ("Machine booted and ready", "booted"),
        ("Fixed port collision", "a port is taken: using another"),
        ("Forwarding ports", "forwarding ports"),
        ("Configuring and enabling network", "configuring the private network"),
        ("Mounting shared folders", "mounting the synced folder"),
        ("Removing domain", "removing the machine"),
        ("Destroying VM", "removing the machine"),
        ("shutdown of VM", "shutting down"),
        ("Halting domain", "shutting down"),
    ]

    /// The phase that a cleaned line begins, if it does.
    static func recognise(_ line: String) -> String? {
        known.first { line.contains($0.part) }?.message
    }
}
