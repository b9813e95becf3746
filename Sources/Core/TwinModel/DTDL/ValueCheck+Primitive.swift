extension DTDLSchema.Primitive {
    /// What a value of this schema looks like, in words.
    package var rule: String {
        switch self {
        case .boolean: "true or false"
        case .date: "a string such as \"2026-11-21\" (a day of the calendar)"
        case .dateTime: "a string such as \"2026-11-21T11:40:00Z\" (with seconds and an offset)"
        case .time: "a string such as \"11:40:00Z\" (with seconds and an offset)"
        case .duration: "a string such as \"PT1H30M\" (an ISO 8601 duration)"
        case .string: "a string"
        case .uuid: "a string of 8-4-4-4-12 hexadecimal digits"
        case .bytes: "a string of padded base64"
        case .decimal: "a string such as \"12.50\" (a decimal number)"
        case .double: "a number that a double holds"
        case .float: "a number from -3.402823E+38 to 3.402823E+38"
        case .byte: Self.signedRule(Int8.self)
        case .short: Self.signedRule(Int16.self)
        case .integer: Self.signedRule(Int32.self)
        case .long: Self.signedRule(Int64.self)
        case .unsignedByte: Self.unsignedRule(UInt8.self)
        case .unsignedShort: Self.unsignedRule(UInt16.self)
        case .unsignedInteger: Self.unsignedRule(UInt32.self)
        case .unsignedLong: Self.unsignedRule(UInt64.self)
        }
    }

    private static func signedRule<T: FixedWidthInteger>(_ type: T.Type) -> String {
        "an integer from \(T.min) to \(T.max), written without a fraction"
    }

    private static func unsignedRule<T: FixedWidthInteger>(_ type: T.Type) -> String {
        "an integer from 0 to \(T.max), written in digits only"
    }

    func check<V: CheckedValue>(_ value: V, at pointer: String) throws(ValueViolation) {
        let conforms =
            switch value.checkedKind {
            case .bool: self == .boolean
            case .number(let number): isConforming(number)
            case .string(let text): isConforming(text)
            case .null, .array, .object: false
            }
        guard conforms else { throw value.violates(rule, at: pointer) }
    }

    private func isConforming(_ number: CheckedNumber) -> Bool {
        switch self {
        case .byte: number.integer.flatMap { Int8(exactly: $0) } != nil
        case .short: number.integer.flatMap { Int16(exactly: $0) } != nil
        case .integer: number.integer.flatMap { Int32(exactly: $0) } != nil
        case .long: number.integer != nil
        case .unsignedByte: number.natural.flatMap { UInt8(exactly: $0) } != nil
        case .unsignedShort: number.natural.flatMap { UInt16(exactly: $0) } != nil
        case .unsignedInteger: number.natural.flatMap { UInt32(exactly: $0) } != nil
        case .unsignedLong: number.natural != nil
        case .double: number.double.isFinite
        case .float: abs(number.double) <= Double(Float.greatestFiniteMagnitude)
        default: false
        }
    }

    private func isConforming(_ text: String) -> Bool {
        switch self {
        case .string: true
        case .date: ValueText.isDate(text.utf8)
        case .dateTime: ValueText.isDateTime(text.utf8)
        case .time: ValueText.isTime(text.utf8)
        case .duration: ValueText.isDuration(text.utf8)
        case .uuid: ValueText.isUUID(text.utf8)
        case .bytes: ValueText.isBase64(text.utf8)
        case .decimal: ValueText.isDecimal(text.utf8)
        default: false
        }
    }
}

extension DTDLSchema.Geospatial {
    /// The value of the member `type` (GeoJSON, RFC 7946, section 3.1).
    package var typeName: String {
        switch self {
        case .point: "Point"
        case .multiPoint: "MultiPoint"
        case .lineString: "LineString"
        case .multiLineString: "MultiLineString"
        case .polygon: "Polygon"
        case .multiPolygon: "MultiPolygon"
        }
    }

    /// How many arrays stand around a number of `coordinates`.
    private var depth: Int {
        switch self {
        case .point: 1
        case .multiPoint, .lineString: 2
        case .multiLineString, .polygon: 3
        case .multiPolygon: 4
        }
    }

    func check<V: CheckedValue>(_ value: V, at pointer: String) throws(ValueViolation) {
        guard case .object(let members) = value.checkedKind else {
            throw value.violates("a GeoJSON object of the type \(typeName)", at: pointer)
        }
        for member in members {
            let place = "\(pointer)/\(member.name)"
            if member.name.isSame(as: "type") {
                guard case .string(let text) = member.value.checkedKind, text.isSame(as: typeName) else {
                    throw member.value.violates("the type \"\(typeName)\"", at: place)
                }
            } else if member.name.isSame(as: "coordinates") {
                try Self.check(member.value, depth: depth, at: place)
            } else {
                throw member.value.violates("absent: a GeoJSON \(typeName) has type and coordinates", at: place)
            }
        }
    }

    private static func check<V: CheckedValue>(_ value: V, depth: Int, at pointer: String) throws(ValueViolation) {
        guard depth > 0 else { return try DTDLSchema.Primitive.double.check(value, at: pointer) }
        guard case .array(let elements) = value.checkedKind else {
            throw value.violates("an array (\(depth) levels of arrays around numbers)", at: pointer)
        }
        for (index, element) in elements.enumerated() { try check(element, depth: depth - 1, at: "\(pointer)/\(index)") }
    }
}
