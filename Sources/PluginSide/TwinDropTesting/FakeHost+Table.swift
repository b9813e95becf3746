internal import CTwinDropPlugin
internal import TwinModel
internal import ValueRules

extension FakeHost {
    /// The functions of the ABI; each finds its host through `context`.
    static var table: td_host {
        unsafe td_host(
            struct_size: UInt32(MemoryLayout<td_host>.size), abi_major: UInt16(TD_ABI_MAJOR), abi_minor: UInt16(TD_ABI_MINOR),
            context: nil,
            extension: { _, _ in nil },
            settings: { host in unsafe fake(host).settingsText() },
            key: { host, name in unsafe fake(host).key(string(name)) },
            log: { host, level, message in unsafe fake(host).log(level, string(message)) },
            fail: { host, message, offset in unsafe fake(host).fail(string(message), offset) },
            lookup: { host, table, key, value in
                guard let found = unsafe fake(host).lookup(string(table), string(key)), let value = unsafe value else { return 0 }
                unsafe value.pointee = found
                return 1
            },
            read: { host, buffer, capacity in
                Int64(unsafe fake(host).readInput(UnsafeMutableRawBufferPointer(start: buffer, count: capacity)))
            },
            input_name: { host in unsafe fake(host).inputNameText() },
            input_size: { host in unsafe fake(host).size() },
            cancelled: { host in unsafe fake(host).isCancelled ? 1 : 0 },
            progress: { _, _ in },
            record: { host, offset, length in unsafe fake(host).startRecord(offset, length) },
            span: { host, kind, offset, length, name in unsafe fake(host).span(kind, offset, length, string(name)) },
            reject: { host, code, message in unsafe fake(host).reject(string(code), string(message)) },
            scope: { host, name in unsafe fake(host).scope(string(name)) },
            begin_twin: { host, verb, id, model in unsafe fake(host).beginTwin(verb, string(id), model) },
            begin_relationship: { host, verb, source, name, target, id in
                unsafe fake(host).beginRelationship(verb, string(source), name, string(target), string(id))
            },
            set_absent: { host, key in unsafe fake(host).set(key, .absent) },
            set_bool: { host, key, value in unsafe fake(host).set(key, .bool(value != 0)) },
            set_int: { host, key, value in unsafe fake(host).set(key, .int(value)) },
            set_double: { host, key, value in unsafe fake(host).set(key, value.isFinite ? .double(value) : nil) },
            set_text: { host, key, value in unsafe fake(host).set(key, string(value).map { .text($0) }) },
            set_datetime: { host, key, microseconds, offset in
                let value = RecordedValue.dateTime(microseconds: microseconds, offsetMinutes: offset)
                let isOne = ValueLimits.holds(microseconds: microseconds, offsetMinutes: Int64(offset))
                unsafe fake(host).set(key, isOne ? value : nil)
            },
            set_date: { host, key, days in
                unsafe fake(host).set(key, ValueLimits.days.contains(Int64(days)) ? .date(days: days) : nil)
            },
            set_time: { host, key, microseconds in
                unsafe fake(host).set(key, (0..<86_400_000_000).contains(microseconds) ? .time(microseconds: microseconds) : nil)
            },
            set_duration: { host, key, months, microseconds in
                let isOfOneSign = (months >= 0 && microseconds >= 0) || (months <= 0 && microseconds <= 0)
                unsafe fake(host).set(key, isOfOneSign ? .duration(months: months, microseconds: microseconds) : nil)
            },
            set_json: { host, key, json in
                let text = unsafe string(json)
                // Any fault makes the value invalid.
                let isValid = text.map { (try? JSONText.check(Array($0.utf8).span)) != nil } ?? false
                unsafe fake(host).set(key, isValid ? text.map { .json($0) } : nil)
            },
            end: { host in unsafe fake(host).endOperation() })
    }

    func beginTwin(_ verb: Int32, _ id: String?, _ model: UInt32) {
        guard let model = name(of: model) else { return begin(verb, nil) }
        guard let id, Self.isID(id) else { return refuse("id", "The id of a twin is empty, no UTF-8, or over 128 characters.") }
        begin(verb, .twin(id: id, model: model))
    }

    func beginRelationship(_ verb: Int32, _ source: String?, _ name: UInt32, _ target: String?, _ id: String?) {
        guard let name = self.name(of: name), verb != 1, verb == 3 || !name.isEmpty else { return begin(verb, nil) }
        guard let source, Self.isID(source), let target, let id, id.unicodeScalars.count <= 128,
            target.unicodeScalars.count <= 128,
            !target.isEmpty || (verb == 3 && !id.isEmpty)
        else { return refuse("id", "An id of a relationship is missing, no UTF-8, or over 128 characters.") }
        begin(verb, .relationship(source: source, name: name, target: target, id: id))
    }

    private static func isID(_ text: String) -> Bool { (1...128).contains(text.unicodeScalars.count) }
}

private func fake(_ host: UnsafePointer<td_host>?) -> FakeHost {
    guard let host = unsafe host, let context = unsafe host.pointee.context else { preconditionFailure("a call without a host") }
    return unsafe Unmanaged<FakeHost>.fromOpaque(context).takeUnretainedValue()
}

/// Nil unless the text is valid UTF-8 without NUL and within the limit.
private func string(_ text: td_text) -> String? {
    guard unsafe text.length > 0 else { return "" }
    guard unsafe text.length <= Int(TD_TEXT_MAX), let start = unsafe text.bytes else { return nil }
    let bytes = unsafe UnsafeBufferPointer(start: UnsafeRawPointer(start).assumingMemoryBound(to: UInt8.self), count: text.length)
    guard unsafe !bytes.contains(0) else { return nil }
    return unsafe String(validating: bytes, as: UTF8.self)
}
