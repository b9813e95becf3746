internal import CTwinDropPlugin
internal import TwinModel
internal import ValueRules

/// The host side of the plugin ABI in this process: a `td_host` whose functions record their calls, and check them as the worker
/// does. Used on one thread.
@safe
final class FakeHost {
    let pointer: UnsafeMutablePointer<td_host>
    var recording = Recording()
    var recordsKept = Int.max
    var read: (UnsafeMutableRawBufferPointer) -> Int = { _ in 0 }
    var isCancelled = false

    private(set) var keys: [String] = []
    private var numbers: [String: UInt32] = [:]
    private let settings: KeptText
    private let lookups: [String: [String: KeptText]]
    private var zones: [String: KeptText] = [:]
    private var inputName = KeptText("")
    private var inputSize: UInt64 = 0
    private var record: RecordedRecord?
    private var operation: RecordedOperation?
    private var keepsProperties = true
    private var next: UInt64 = 0
    private var failure: (message: String, offset: Int64)?
    private var isTransforming = false

    init(settings: String, lookups: [String: [String: String]]) {
        self.settings = KeptText(settings)
        self.lookups = lookups.mapValues { $0.mapValues { KeptText($0) } }
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: FakeHost.table)
        unsafe pointer.pointee.context = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit { unsafe pointer.deallocate() }

    /// A text at a fixed address.
    @safe
    final class KeptText {
        let text: td_text

        init(_ string: String) {
            let utf8 = Array(string.utf8)
            let memory = UnsafeMutablePointer<CChar>.allocate(capacity: max(1, utf8.count))
            for (index, byte) in utf8.enumerated() { unsafe memory[index] = CChar(bitPattern: byte) }
            unsafe text = td_text(bytes: memory, length: utf8.count)
        }

        deinit { unsafe text.bytes?.deallocate() }
    }

    // MARK: - Around a transform

    func begin(name: String, size: UInt64) {
        recording = Recording()
        inputName = KeptText(name)
        inputSize = size
        record = nil
        operation = nil
        next = 0
        failure = nil
        isTransforming = true
    }

    func end(status: Int32) -> Recording {
        if operation != nil { violate("the transform returned inside an operation") }
        flush()
        isTransforming = false
        recording.status = status
        if let failure { (recording.failure, recording.failureOffset) = (failure.message, failure.offset) }
        if status != 0, failure == nil { violate("a status other than TD_OK without a message") }
        return recording
    }

    /// Takes the message of the last failure.
    func takeFailure() -> String? {
        defer { failure = nil }
        return failure?.message
    }

    // MARK: - What the plugin calls

    func key(_ name: String?) -> UInt32 {
        guard let name, (1...2048).contains(name.utf8.count) else { return 0 }
        if let number = numbers[name] { return number }
        guard keys.count < Int(TD_KEYS_MAX) else { return 0 }
        keys.append(name)
        numbers[name] = UInt32(keys.count)
        return UInt32(keys.count)
    }

    func settingsText() -> td_text { unsafe settings.text }

    func inputNameText() -> td_text { unsafe inputName.text }

    func size() -> UInt64 { inputSize }

    func lookup(_ table: String?, _ key: String?) -> td_text? {
        guard let table, let key else { return nil }
        if table == "org.twindrop.zones" { return unsafe zone(key) }
        guard let value = lookups[table]?[key] else { return nil }
        return unsafe value.text
    }

    /// The rules of a time zone, as TwinDrop hands them over: from the machine's own.
    private func zone(_ name: String) -> td_text? {
        if zones[name] == nil, ZoneRules.isName(name), let bytes = try? FileBytes.read("/usr/share/zoneinfo/\(name)") {
            if let rules = ZoneRules(tzif: bytes) { zones[name] = KeptText(rules.text) }
        }
        guard let text = zones[name] else { return nil }
        return unsafe text.text
    }

    func fail(_ message: String?, _ offset: Int64) { failure = (message ?? "(no valid text)", offset) }

    func log(_ level: Int32, _ message: String?) {
        let names = ["debug", "info", "warning", "error"]
        recording.log.append(
            (names.indices.contains(Int(level)) ? names[Int(level)] : "error") + ": " + (message ?? "(no valid text)"))
    }

    func readInput(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = unsafe read(buffer)
        if count > 0 { recording.bytesRead += UInt64(count) }
        return count
    }

    func startRecord(_ offset: UInt64, _ length: UInt64) {
        if operation != nil { violate("a record starts inside an operation") }
        flush()
        account(offset, length)
        recording.records += 1
        record = RecordedRecord(number: recording.records, offset: offset, length: length)
        keepsProperties = recording.entries.count < recordsKept
    }

    func span(_ kind: Int32, _ offset: UInt64, _ length: UInt64, _ name: String?) {
        flush()
        account(offset, length)
        let kinds: [RecordedSpan.Kind] = [.header, .footer, .remainder]
        guard kinds.indices.contains(Int(kind)), let name else { return violate("a span of unknown kind or name") }
        guard recording.entries.count < recordsKept else { return }
        recording.entries.append(.span(RecordedSpan(kind: kinds[Int(kind)], offset: offset, length: length, name: name)))
    }

    func scope(_ name: String?) {
        if recording.operations > 0 { violate("a scope after the first operation") }
        recording.entries.append(.scope(name ?? ""))
    }

    func reject(_ code: String?, _ message: String?) {
        guard record != nil else { return violate("a reject outside of a record") }
        guard let code, let message else { return violate("a reject without valid text") }
        operation = nil
        if record?.rejection == nil { record?.rejection = RecordedRejection(code: code, message: message) }
    }

    /// Rejects the record in the host's name: the content of a record is not a fault of the plugin.
    func refuse(_ code: String, _ message: String) {
        guard record != nil else { return violate("an operation outside of a record") }
        operation = nil
        if record?.rejection == nil { record?.rejection = RecordedRejection(code: code, message: message) }
    }

    func begin(_ verb: Int32, _ subject: RecordedOperation.Subject?) {
        let verbs: [RecordedOperation.Verb] = [.upsert, .patch, .replace, .delete]
        if record?.rejection != nil { return }
        if operation != nil { violate("an operation starts inside another") }
        if record == nil { violate("an operation outside of a record") }
        guard verbs.indices.contains(Int(verb)), let subject else {
            return violate("an operation with an unknown verb or name")
        }
        operation = RecordedOperation(verb: verbs[Int(verb)], subject: subject)
    }

    func set(_ key: UInt32, _ value: RecordedValue?) {
        if record?.rejection != nil { return }
        guard operation != nil else { return violate("a property outside of an operation") }
        guard key >= 1, key <= keys.count else { return violate("a property with an unknown key") }
        guard let value else {
            return refuse(
                "bad-value", "The property \(keys[Int(key) - 1]) cannot be kept: the value breaks the rules of its type.")
        }
        guard keepsProperties else { return }
        operation?.properties.append(RecordedProperty(name: keys[Int(key) - 1], value: value))
    }

    func endOperation() -> Int32 {
        if record?.rejection != nil {
            operation = nil
            return 0
        }
        guard let done = operation else {
            violate("end() without an operation")
            return TD_INTERNAL_STATUS
        }
        operation = nil
        if !recording.violations.isEmpty {
            failure = failure ?? (recording.violations.first!, -1)
            return TD_INTERNAL_STATUS
        }
        if record?.rejection == nil {
            recording.operations += 1
            record?.operations.append(done)
        }
        return 0
    }

    func name(of key: UInt32) -> String? {
        key == 0 ? "" : key <= keys.count ? keys[Int(key) - 1] : nil
    }

    private func flush() {
        guard let record else { return }
        if record.rejection != nil {
            recording.rejected += 1
            recording.operations -= UInt64(record.operations.count)
        } else if record.operations.isEmpty {
            recording.filtered += 1
        }
        if recording.entries.count < recordsKept {
            var kept = record
            if kept.rejection != nil { kept.operations = [] }
            recording.entries.append(.record(kept))
        }
        self.record = nil
    }

    private func account(_ offset: UInt64, _ length: UInt64) {
        if offset < next { violate("bytes \(offset) ..< \(offset + length) overlap what was accounted for before byte \(next)") }
        next = offset + length
        recording.bytesAccounted += length
    }

    private func violate(_ text: String) {
        if recording.violations.count < 20 { recording.violations.append(text) }
    }
}

let TD_INTERNAL_STATUS: Int32 = 6
