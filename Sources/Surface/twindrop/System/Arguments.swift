/// The words of the command line as they were given. Swift hands them over as text, in which different bytes that are no UTF-8
/// look alike: a command that took them from there could act on another file than the one that was named.
enum Arguments {
    /// The first word that is no UTF-8; nil where all are.
    static var firstUndecodable: [UInt8]? {
        for index in 0..<Int(CommandLine.argc) {
            guard let word = unsafe CommandLine.unsafeArgv[index] else { continue }
            var bytes: [UInt8] = []
            while case let byte = unsafe word[bytes.count], byte != 0 { bytes.append(UInt8(bitPattern: byte)) }
            if String(validating: bytes, as: UTF8.self) == nil { return bytes }
        }
        return nil
    }
}
